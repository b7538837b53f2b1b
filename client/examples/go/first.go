package main

import (
	"context"
	"fmt"
	"log"

	"google.golang.org/grpc"

	"example.com/first/nmq"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	connection, err := grpc.Dial("127.0.0.1:50051", grpc.WithInsecure())
	must(err)
	queue, ctx := nmq.NewMessageQueueClient(connection), context.Background()
	client, err := queue.Connect(ctx, &nmq.ConnectRequest{Name: "first"})
	must(err)
	patterns := []*nmq.Pattern{{Queue: "DB"}}
	stream, err := queue.Subscribe(ctx, &nmq.SubscribeRequest{Session: client.Session, Patterns: patterns})
	must(err)
	_, err = stream.Recv() // ready: from here on nothing is missed
	must(err)
	message := &nmq.Message{Queue: "DB", Event: "CREATE", Payload: []byte(`{"id": 17}`)}
	_, err = queue.Publish(ctx, &nmq.PublishRequest{Session: client.Session, Message: message})
	must(err)
	frame, err := stream.Recv()
	must(err)
	for _, message := range frame.GetBatch().GetMessages() {
		fmt.Println(message.Queue, message.Event, string(message.Payload))
	}
}

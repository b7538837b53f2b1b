// Runs the cases with Go's generated stubs: client ADDRESS CASES. Prints a line a case, "ok NAME" or "failed NAME: why".
// Over TLS with NMQ_TLS_CA and NMQ_TOKEN.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"time"

	"github.com/golang/protobuf/proto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	nmq "nmq/v1"
)

const patience = 60 * time.Second

var (
	variable = regexp.MustCompile(`\$\{(\w+)\}`)
	large    = regexp.MustCompile(`^\$\{bytes:(\d+)\}$`)
)

type object = map[string]interface{}

func fill(value interface{}, variables map[string]string) interface{} {
	switch value := value.(type) {
	case object:
		filled := object{}
		for key, entry := range value {
			filled[key] = fill(entry, variables)
		}
		return filled
	case []interface{}:
		filled := []interface{}{}
		for _, entry := range value {
			filled = append(filled, fill(entry, variables))
		}
		return filled
	case string:
		if match := large.FindStringSubmatch(value); match != nil {
			size, _ := strconv.Atoi(match[1])
			bytes := make([]byte, size)
			for i := range bytes {
				bytes[i] = byte(i)
			}
			return base64.StdEncoding.EncodeToString(bytes)
		}
		return variable.ReplaceAllStringFunc(value, func(name string) string { return variables[name[2:len(name)-1]] })
	}
	return value
}

func isDefault(value interface{}) bool {
	if list, ok := value.([]interface{}); ok {
		return len(list) == 0
	}
	return value == nil || value == false || value == "" || value == "0"
}

// What is expected must be there; a default may be left out.
func check(expected, actual interface{}, where string) error {
	wrong := func(what interface{}) error { return fmt.Errorf("%s is %.80v, not %.80v", where, actual, what) }
	if isDefault(expected) {
		if !isDefault(actual) {
			return wrong(expected)
		}
		return nil
	}
	switch expected := expected.(type) {
	case object:
		fields, ok := actual.(object)
		if !ok {
			return wrong("there")
		}
		for key, value := range expected {
			if err := check(value, fields[key], where+"."+key); err != nil {
				return err
			}
		}
	case []interface{}:
		list, _ := actual.([]interface{})
		if len(list) != len(expected) {
			return wrong(fmt.Sprint(len(expected), " entries"))
		}
		for i, value := range expected {
			if err := check(value, list[i], fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	default:
		if expected != actual {
			return wrong(expected)
		}
	}
	return nil
}

// A message as what encoding/json would read.
func plain(message interface{}) (object, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(proto.MessageV2(message))
	if err != nil {
		return nil, err
	}
	read := object{}
	return read, json.Unmarshal(text, &read)
}

type stream struct {
	recv   reflect.Value
	cancel context.CancelFunc
}

type testCase struct {
	stubs     []interface{}
	variables map[string]string
	streams   map[string]stream
	pending   map[string][]interface{}
}

// Calls `method` with a request of that JSON form; what it returned.
func (c *testCase) invoke(ctx context.Context, method string, request interface{}) ([]reflect.Value, error) {
	for _, stub := range c.stubs {
		rpc := reflect.ValueOf(stub).MethodByName(method)
		if !rpc.IsValid() {
			continue
		}
		made := reflect.New(rpc.Type().In(1).Elem())
		text, err := json.Marshal(request)
		if err == nil {
			err = protojson.Unmarshal(text, proto.MessageV2(made.Interface()))
		}
		if err != nil {
			return nil, err
		}
		return rpc.Call([]reflect.Value{reflect.ValueOf(ctx), made}), nil
	}
	return nil, fmt.Errorf("no method %s", method)
}

func errorOf(value reflect.Value) error {
	err, _ := value.Interface().(error)
	return err
}

func (c *testCase) open(step object) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	results, err := c.invoke(ctx, step["method"].(string), step["request"])
	if err == nil {
		err = errorOf(results[1])
	}
	if err != nil {
		cancel()
		return err
	}
	c.streams[step["open"].(string)] = stream{results[0].MethodByName("Recv"), cancel}
	return nil
}

func (c *testCase) frame(name string) (object, error) {
	results := c.streams[name].recv.Call(nil)
	if err := errorOf(results[1]); err != nil {
		return nil, err
	}
	return plain(results[0].Interface())
}

func (c *testCase) messages(step object) error {
	name, expected := step["messages"].(string), step["expect"].([]interface{})
	for len(c.pending[name]) < len(expected) {
		frame, err := c.frame(name)
		if err != nil {
			return err
		}
		if err := check(object{"batch": object{}}, frame, ""); err != nil {
			return err
		}
		c.pending[name] = append(c.pending[name], frame["batch"].(object)["messages"].([]interface{})...)
	}
	return check(expected, interface{}(c.pending[name]), name)
}

func (c *testCase) unary(method string, request interface{}, deadline time.Duration) (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	results, err := c.invoke(ctx, method, request)
	if err != nil {
		return nil, err
	}
	if err := errorOf(results[1]); err != nil {
		return nil, err
	}
	return plain(results[0].Interface())
}

func (c *testCase) call(step object) error {
	deadline := patience
	if seconds, ok := step["deadline"].(float64); ok {
		deadline = time.Duration(seconds * float64(time.Second))
	}
	for tries := 0; ; tries++ {
		response, err := c.unary(step["call"].(string), step["request"], deadline)
		if step["error"] != nil {
			return expectError(step["error"], err)
		}
		if err != nil {
			return err
		}
		if expected, ok := step["expect"].(object); ok {
			err = check(expected, response, "")
		}
		if err == nil {
			saved, _ := step["save"].(object)
			for name, field := range saved {
				c.variables[name], _ = response[field.(string)].(string)
			}
			return nil
		}
		if step["until"] == nil || tries == 9999 {
			return err
		}
	}
}

// The code and the reason of a failed call.
func expectError(expected interface{}, err error) error {
	if err == nil || err == io.EOF {
		return fmt.Errorf("no error, but %v was expected", expected)
	}
	failed := status.Convert(err)
	var names = map[codes.Code]string{
		codes.Canceled: "CANCELLED", codes.InvalidArgument: "INVALID_ARGUMENT", codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
		codes.NotFound: "NOT_FOUND", codes.FailedPrecondition: "FAILED_PRECONDITION", codes.OutOfRange: "OUT_OF_RANGE",
		codes.ResourceExhausted: "RESOURCE_EXHAUSTED", codes.Unavailable: "UNAVAILABLE",
	}
	reason := ""
	for _, detail := range failed.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			reason = info.Reason
		}
	}
	return check(expected, []interface{}{names[failed.Code()], reason}, "error of "+failed.Message())
}

func (c *testCase) run(steps []interface{}) error {
	defer func() {
		for _, open := range c.streams {
			open.cancel()
		}
	}()
	for _, unfilled := range steps {
		step := fill(unfilled, c.variables).(object)
		var err error
		switch {
		case step["call"] != nil:
			err = c.call(step)
		case step["open"] != nil:
			err = c.open(step)
		case step["frame"] != nil:
			var frame object
			if frame, err = c.frame(step["frame"].(string)); err == nil {
				err = check(step["expect"], frame, "")
			}
		case step["messages"] != nil:
			err = c.messages(step)
		case step["cancel"] != nil:
			c.streams[step["cancel"].(string)].cancel()
		default:
			_, err = c.frame(step["end"].(string))
			err = expectError(step["error"], err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

func connect(address string) (*grpc.ClientConn, error) {
	large := grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64 << 20))
	authority, ok := os.LookupEnv("NMQ_TLS_CA")
	if !ok {
		return grpc.Dial(address, grpc.WithInsecure(), large)
	}
	transport, err := credentials.NewClientTLSFromFile(authority, "")
	if err != nil {
		return nil, err
	}
	token := bearer(os.Getenv("NMQ_TOKEN"))
	return grpc.Dial(address, grpc.WithTransportCredentials(transport), grpc.WithPerRPCCredentials(token), large)
}

func main() {
	text, err := os.ReadFile(os.Args[2])
	var cases []object
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	var connection *grpc.ClientConn
	if err == nil {
		connection, err = connect(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	stubs := []interface{}{nmq.NewMessageQueueClient(connection), nmq.NewRegistryClient(connection)}
	for number, one := range cases {
		variables := map[string]string{"n": fmt.Sprintf("go-%d", number)}
		c := testCase{stubs, variables, map[string]stream{}, map[string][]interface{}{}}
		if err := c.run(one["steps"].([]interface{})); err != nil {
			fmt.Printf("failed %s: %v\n", one["name"], err)
		} else {
			fmt.Printf("ok %s\n", one["name"])
		}
	}
}

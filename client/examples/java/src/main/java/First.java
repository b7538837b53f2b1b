import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.util.Iterator;
import nmq.v1.MessageOuterClass.Message;
import nmq.v1.MessageQueueGrpc;
import nmq.v1.MessageQueueOuterClass.ConnectRequest;
import nmq.v1.MessageQueueOuterClass.DisconnectRequest;
import nmq.v1.MessageQueueOuterClass.Pattern;
import nmq.v1.MessageQueueOuterClass.PublishRequest;
import nmq.v1.MessageQueueOuterClass.SubscribeRequest;
import nmq.v1.MessageQueueOuterClass.SubscribeResponse;

public final class First {
  public static void main(String[] args) {
    ManagedChannel channel = ManagedChannelBuilder.forTarget("127.0.0.1:50051").usePlaintext().build();
    MessageQueueGrpc.MessageQueueBlockingStub queue = MessageQueueGrpc.newBlockingStub(channel);
    String session = queue.connect(ConnectRequest.newBuilder().setName("first").build()).getSession();

    Iterator<SubscribeResponse> frames = queue.subscribe(SubscribeRequest.newBuilder()
        .setSession(session).addPatterns(Pattern.newBuilder().setQueue("DB")).build());
    frames.next();  // ready: from here on nothing is missed
    Message message = Message.newBuilder()
        .setQueue("DB").setEvent("CREATE").setPayload(ByteString.copyFromUtf8("{\"id\": 17}")).build();
    queue.publish(PublishRequest.newBuilder().setSession(session).setMessage(message).build());

    SubscribeResponse frame = frames.next();
    while (!frame.hasBatch()) frame = frames.next();  // a gap or a heartbeat
    for (Message heard : frame.getBatch().getMessagesList()) {
      System.out.println(heard.getQueue() + " " + heard.getEvent() + " " + heard.getPayload().toStringUtf8());
    }
    queue.disconnect(DisconnectRequest.newBuilder().setSession(session).build());
    channel.shutdownNow();
  }
}

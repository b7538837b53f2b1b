// Runs the cases with Java's generated stubs: Client ADDRESS CASES. Prints a line a case, "ok NAME" or "failed NAME: why". Over TLS with NMQ_TLS_CA and
// NMQ_TOKEN.

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import google.rpc.ErrorDetails.ErrorInfo;
import google.rpc.StatusOuterClass;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nmq.v1.MessageQueueGrpc;
import nmq.v1.RegistryGrpc;

public final class Client {
  private static final double SECONDS = 60;
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{(\\w+)\\}");
  private static final Pattern LARGE = Pattern.compile("\\$\\{bytes:(\\d+)\\}");
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private static final class Mismatch extends RuntimeException {
    Mismatch(String what) {
      super(what);
    }
  }

  /** A stream, and how to cancel it. */
  private static final class Stream {
    final io.grpc.Context.CancellableContext context = io.grpc.Context.current().withCancellation();
    final List<JsonElement> pending = new ArrayList<>();
    Iterator<Message> frames;
  }

  private final ManagedChannel channel;
  private final Map<String, String> variables = new HashMap<>();
  private final Map<String, Stream> streams = new HashMap<>();

  private Client(ManagedChannel channel, String name) {
    this.channel = channel;
    variables.put("n", name);
  }

  private JsonElement fill(JsonElement value) {
    if (value.isJsonArray()) {
      JsonArray filled = new JsonArray();
      value.getAsJsonArray().forEach(entry -> filled.add(fill(entry)));
      return filled;
    }
    if (value.isJsonObject()) {
      JsonObject filled = new JsonObject();
      value.getAsJsonObject().entrySet().forEach(entry -> filled.add(entry.getKey(), fill(entry.getValue())));
      return filled;
    }
    if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString()) {
      return value;
    }
    Matcher large = LARGE.matcher(value.getAsString());
    if (large.matches()) {
      byte[] bytes = new byte[Integer.parseInt(large.group(1))];
      for (int i = 0; i < bytes.length; ++i) {
        bytes[i] = (byte) i;
      }
      return new JsonPrimitive(Base64.getEncoder().encodeToString(bytes));
    }
    return new JsonPrimitive(VARIABLE.matcher(value.getAsString())
        .replaceAll(match -> Matcher.quoteReplacement(variables.get(match.group(1)))));
  }

  private static boolean isDefault(JsonElement value) {
    return value == null || value.isJsonNull() || (value.isJsonArray() && value.getAsJsonArray().isEmpty())
        || (value.isJsonPrimitive() && List.of("", "0", "false").contains(value.getAsString()));
  }

  private static String cut(Object value) {
    String text = String.valueOf(value);
    return text.substring(0, Math.min(80, text.length()));
  }

  /** What is expected must be there; a default may be left out. */
  private static void check(JsonElement expected, JsonElement actual, String where) {
    if (isDefault(expected) ? isDefault(actual) : expected.equals(actual)) {
      return;
    }
    if (expected.isJsonObject() && actual != null && actual.isJsonObject()) {
      for (Map.Entry<String, JsonElement> entry : expected.getAsJsonObject().entrySet()) {
        check(entry.getValue(), actual.getAsJsonObject().get(entry.getKey()), where + "." + entry.getKey());
      }
    } else if (expected.isJsonArray() && actual != null && actual.isJsonArray()
        && actual.getAsJsonArray().size() == expected.getAsJsonArray().size()) {
      for (int i = 0; i < expected.getAsJsonArray().size(); ++i) {
        check(expected.getAsJsonArray().get(i), actual.getAsJsonArray().get(i), where + "[" + i + "]");
      }
    } else {
      throw new Mismatch(where + " is " + cut(actual) + ", not " + cut(expected));
    }
  }

  private static JsonObject plain(MessageOrBuilder message) {
    try {
      return JsonParser.parseString(JsonFormat.printer().preservingProtoFieldNames().print(message)).getAsJsonObject();
    } catch (IOException error) {
      throw new Mismatch(error.toString());
    }
  }

  @SuppressWarnings("unchecked")
  private static MethodDescriptor<Message, Message> method(String name) {
    for (io.grpc.ServiceDescriptor service :
        List.of(MessageQueueGrpc.getServiceDescriptor(), RegistryGrpc.getServiceDescriptor())) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        if (method.getBareMethodName().equals(name)) {
          return (MethodDescriptor<Message, Message>) method;
        }
      }
    }
    throw new Mismatch("no method " + name);
  }

  private static Message request(MethodDescriptor<Message, Message> method, JsonElement fields) {
    Message.Builder builder =
        ((MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller()).getMessagePrototype()
            .newBuilderForType();
    try {
      JsonFormat.parser().merge(fields.toString(), builder);
    } catch (IOException error) {
      throw new Mismatch(error.toString());
    }
    return builder.build();
  }

  private static CallOptions within(double seconds) {
    return CallOptions.DEFAULT.withDeadlineAfter((long) (seconds * 1e6), TimeUnit.MICROSECONDS);
  }

  private void open(JsonObject step) throws Exception {
    MethodDescriptor<Message, Message> method = method(step.get("method").getAsString());
    Message request = request(method, step.get("request"));
    Stream stream = new Stream();
    stream.frames = stream.context.call(
        () -> ClientCalls.blockingServerStreamingCall(channel, method, within(SECONDS), request));
    streams.put(step.get("open").getAsString(), stream);
  }

  private JsonObject frame(String name) {
    Iterator<Message> frames = streams.get(name).frames;
    if (!frames.hasNext()) {
      throw new Mismatch("the stream is over");
    }
    return plain(frames.next());
  }

  private void messages(JsonObject step) {
    String name = step.get("messages").getAsString();
    JsonArray expected = step.getAsJsonArray("expect");
    List<JsonElement> pending = streams.get(name).pending;
    while (pending.size() < expected.size()) {
      JsonObject frame = frame(name);
      if (!frame.has("batch")) {
        throw new Mismatch(name + " is " + cut(frame) + ", not a batch");
      }
      frame.getAsJsonObject("batch").getAsJsonArray("messages").forEach(pending::add);
    }
    JsonArray actual = new JsonArray();
    pending.forEach(actual::add);
    check(expected, actual, name);
  }

  private void call(JsonObject step) {
    MethodDescriptor<Message, Message> method = method(step.get("call").getAsString());
    Message request = request(method, step.get("request"));
    double deadline = step.has("deadline") ? step.get("deadline").getAsDouble() : SECONDS;
    Supplier<JsonObject> invoke =
        () -> plain(ClientCalls.blockingUnaryCall(channel, method, within(deadline), request));
    if (step.has("error")) {
      expectError(step.get("error"), invoke);
      return;
    }
    JsonObject response = invoke.get();
    for (int tries = 1; step.has("expect"); ++tries) {
      try {
        check(step.get("expect"), response, "");
        break;
      } catch (Mismatch mismatch) {
        if (!step.has("until") || tries == 10000) {
          throw mismatch;
        }
        response = invoke.get();
      }
    }
    if (step.has("save")) {
      for (Map.Entry<String, JsonElement> entry : step.getAsJsonObject("save").entrySet()) {
        variables.put(entry.getKey(), response.get(entry.getValue().getAsString()).getAsString());
      }
    }
  }

  /** The code and the reason of a failed call. */
  private static void expectError(JsonElement expected, Supplier<JsonObject> call) {
    try {
      call.get();
    } catch (StatusRuntimeException error) {
      JsonArray facts = new JsonArray();
      facts.add(error.getStatus().getCode().name());
      facts.add(reasonOf(error.getTrailers()));
      check(expected, facts, "error");
      return;
    }
    throw new Mismatch("no error, but " + expected + " was expected");
  }

  private static String reasonOf(Metadata trailers) {
    byte[] details = trailers == null ? null : trailers.get(DETAILS);
    try {
      if (details != null) {
        for (Any detail : StatusOuterClass.Status.parseFrom(details).getDetailsList()) {
          if (detail.is(ErrorInfo.class)) {
            return detail.unpack(ErrorInfo.class).getReason();
          }
        }
      }
    } catch (IOException error) {
      throw new Mismatch(error.toString());
    }
    return "";
  }

  private void run(JsonArray steps) throws Exception {
    try {
      for (JsonElement unfilled : steps) {
        JsonObject step = fill(unfilled).getAsJsonObject();
        if (step.has("call")) {
          call(step);
        } else if (step.has("open")) {
          open(step);
        } else if (step.has("frame")) {
          check(step.get("expect"), frame(step.get("frame").getAsString()), "");
        } else if (step.has("messages")) {
          messages(step);
        } else if (step.has("cancel")) {
          streams.get(step.get("cancel").getAsString()).context.cancel(null);
        } else {
          expectError(step.get("error"), () -> frame(step.get("end").getAsString()));
        }
      }
    } finally {
      streams.values().forEach(stream -> stream.context.cancel(null));
    }
  }

  private static ManagedChannel connect(String address) throws IOException {
    NettyChannelBuilder builder = NettyChannelBuilder.forTarget(address).maxInboundMessageSize(64 << 20);
    String authority = System.getenv("NMQ_TLS_CA");
    if (authority == null) {
      return builder.usePlaintext().build();
    }
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + System.getenv("NMQ_TOKEN"));
    return builder.sslContext(GrpcSslContexts.forClient().trustManager(new File(authority)).build())
        .intercept(MetadataUtils.newAttachHeadersInterceptor(headers)).build();
  }

  public static void main(String[] arguments) throws Exception {
    ManagedChannel channel = connect(arguments[0]);
    int number = 0;
    for (JsonElement one : JsonParser.parseString(Files.readString(Path.of(arguments[1]))).getAsJsonArray()) {
      String name = one.getAsJsonObject().get("name").getAsString();
      try {
        new Client(channel, "java-" + number++).run(one.getAsJsonObject().getAsJsonArray("steps"));
        System.out.println("ok " + name);
      } catch (Mismatch | StatusRuntimeException error) {
        System.out.println("failed " + name + ": " + cut(error.getMessage()));
      }
    }
    channel.shutdownNow().awaitTermination(1, TimeUnit.SECONDS);
  }
}

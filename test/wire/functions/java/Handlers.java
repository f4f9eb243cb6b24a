package example;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One class per way to write a handler; what the tests ask of them comes in the event. */
public class Handlers {
  public static class Order {
    private String item;
    private int count;

    public String getItem() {
      return item;
    }

    public void setItem(String item) {
      this.item = item;
    }

    public int getCount() {
      return count;
    }

    public void setCount(int count) {
      this.count = count;
    }
  }

  public record Receipt(String text, int total) {
    public String getText() {
      return text;
    }

    public int getTotal() {
      return total;
    }
  }

  private int calls;

  public Receipt price(Order order) {
    calls++;
    return new Receipt(order.getItem() + " " + calls, order.getCount() * 3);
  }

  public static String fail(Map<String, Object> event) {
    throw new IllegalStateException("no " + event.get("what"), new IOException("cause"));
  }

  public static Object greedy(Map<String, Object> event) throws InterruptedException {
    List<byte[]> kept = new ArrayList<>();
    if ("heap".equals(event.get("what"))) while (true) kept.add(new byte[1 << 20]);
    if ("native".equals(event.get("what"))) {
      List<Object> direct = new ArrayList<>();
      while (true) {
        java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocateDirect(1 << 20);
        while (buffer.hasRemaining()) buffer.put((byte) 1);
        direct.add(buffer);
      }
    }
    if ("time".equals(event.get("what"))) Thread.sleep(600_000);
    if ("exit".equals(event.get("what"))) System.exit(7);
    return kept.size();
  }

  public static class Described implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
      Map<String, Object> answer = new LinkedHashMap<>();
      System.out.println("printed");
      System.err.println("complained");
      context.getLogger().log("logged");
      answer.put("event", event);
      answer.put("requestId", context.getAwsRequestId());
      answer.put("arn", context.getInvokedFunctionArn());
      answer.put("name", context.getFunctionName());
      answer.put("version", context.getFunctionVersion());
      answer.put("memory", context.getMemoryLimitInMB());
      answer.put("group", context.getLogGroupName());
      answer.put("hasTime", context.getRemainingTimeInMillis() > 1000);
      ClientContext client = context.getClientContext();
      answer.put("client", client == null ? null : client.getCustom());
      answer.put("mine", System.getenv("MINE"));
      answer.put("handler", System.getenv("_HANDLER"));
      answer.put("boot", System.getenv("SKERRY_LISTENERS"));
      answer.put("java", Runtime.version().feature());
      answer.put("options", ManagementFactory.getRuntimeMXBean().getInputArguments());
      answer.put("heapKiB", Runtime.getRuntime().maxMemory() / 1024);
      answer.put("security", java.security.Security.getProviders().length > 0);
      try {
        answer.put("layer", Files.readString(Path.of("/opt/java/note.txt")));
      } catch (IOException absent) {
        answer.put("layer", null);
      }
      return answer;
    }
  }

  public static class Streamed implements RequestStreamHandler {
    @Override
    public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
      byte[] event = in.readAllBytes();
      for (int at = event.length - 1; at >= 0; at--) out.write(event[at]);
    }
  }

  public static class Broken implements RequestHandler<Object, Object> {
    public Broken() {
      throw new IllegalArgumentException("will not be made");
    }

    @Override
    public Object handleRequest(Object event, Context context) {
      return event;
    }
  }
}

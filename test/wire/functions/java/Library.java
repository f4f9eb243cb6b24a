package example.library;

import java.util.Map;

/** Lives in a jar below `lib/`. */
public class Library {
  public static String handle(Map<String, Object> event) {
    return "from a jar: " + event.get("n");
  }
}

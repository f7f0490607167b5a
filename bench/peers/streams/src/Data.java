import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** What export.ts wrote: tables and policy. Shared by all threads, never changed. */
final class Data {
  final JsonNode root;
  final String version;
  /** What a code point folds to where that is not itself. */
  final String[] narrow = new String[0x10000];
  final Map<Integer, String> wide = new HashMap<>();
  final byte[] strengths = new byte[0x10000];
  final boolean[] pictures = new boolean[0x10000];
  final boolean[] startsSplit = new boolean[0x10000];
  final SplitNode splits = new SplitNode();
  static final int HAN_FIRST = 0x4e00;
  static final int HAN_LAST = 0x9fff;
  /** Merged syllable of a Han character with the space that ends it. */
  final byte[][] readings = new byte[HAN_LAST - HAN_FIRST + 1][];
  final String[] syllables;
  final byte[][] merged;

  static final class SplitNode {
    char whole;
    final Map<Character, SplitNode> next = new HashMap<>();
  }

  Data(String file) throws Exception {
    root = new ObjectMapper().readTree(new File(file));
    version = root.get("version").asText();
    for (JsonNode pair : root.get("folds")) {
      int code = pair.get(0).asInt();
      if (code <= 0xffff) narrow[code] = pair.get(1).asText();
      else wide.put(code, pair.get(1).asText());
    }
    String levels = root.get("separators").asText();
    for (int i = 0; i <= 0xffff; i++) strengths[i] = (byte) (levels.charAt(i) - '0');
    for (JsonNode code : root.get("pictures")) pictures[code.asInt()] = true;
    for (JsonNode pair : root.get("splits")) {
      String parts = pair.get(0).asText();
      SplitNode node = splits;
      for (int i = 0; i < parts.length(); i++)
        node = node.next.computeIfAbsent(parts.charAt(i), c -> new SplitNode());
      node.whole = pair.get(1).asText().charAt(0);
      startsSplit[parts.charAt(0)] = true;
    }
    String[] sounds = root.get("readings").asText().split(" ");
    for (int i = 0; i < sounds.length; i++) readings[i] = (sounds[i] + " ").getBytes(StandardCharsets.US_ASCII);
    JsonNode list = root.get("syllables");
    syllables = new String[list.size()];
    merged = new byte[list.size()][];
    for (int i = 0; i < syllables.length; i++) {
      syllables[i] = list.get(i).get(0).asText();
      merged[i] = (list.get(i).get(1).asText() + " ").getBytes(StandardCharsets.US_ASCII);
    }
  }

  static boolean isHan(int code) {
    return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf);
  }

  static boolean isDigit(int code) {
    return code >= 0x30 && code <= 0x39;
  }

  static boolean isLatin(int code) {
    return code >= 0x61 && code <= 0x7a;
  }

  boolean isPicture(int codePoint) {
    return codePoint >= 0x1f000 || (codePoint <= 0xffff && pictures[codePoint]);
  }
}

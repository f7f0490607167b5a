import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;

/** The linear model over hashed n-grams, from the same file (packages/model: features.ts, model.ts, weights-file.ts). */
final class Model {
  private static final int CHARACTER_N = 4, TOKEN_N = 4, UNORDERED_N = 3, WAYS = 4, PRIOR_GRAMS = 30;
  private static final int CHARACTERS = 0x2c1b3c6d, TOKENS = 0x297a2d39, UNORDERED = 0x5f356495;
  private static final int LONGEST_FOLDED = 4000, LONGEST_PHONETIC = 16000;

  final String version;
  final String[] categories;
  private final int heads, bucketMask;
  private final double[] biases, slopes, offsets;
  private final short[] tags;
  private final float[] values;

  Model(String file) throws Exception {
    byte[] bytes = Files.readAllBytes(Path.of(file));
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int headerLength = buffer.getInt(12);
    JsonNode header = new ObjectMapper().readTree(new String(bytes, 16, headerLength, StandardCharsets.UTF_8));
    categories = new String[header.get("categories").size()];
    for (int i = 0; i < categories.length; i++) categories[i] = header.get("categories").get(i).asText();
    heads = categories.length + 1;
    bucketMask = (1 << header.get("bucketBits").asInt()) - 1;
    biases = numbers(header.get("biases"));
    slopes = numbers(header.get("slopes"));
    offsets = numbers(header.get("offsets"));
    int slots = WAYS << header.get("bucketBits").asInt();
    tags = new short[slots];
    values = new float[slots * heads];
    buffer.position(16 + headerLength);
    buffer.asShortBuffer().get(tags);
    buffer.position(16 + headerLength + slots * 2);
    buffer.asFloatBuffer().get(values);
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)).substring(0, 12);
    version = header.get("profile").asText() + "-" + hash;
  }

  private static double[] numbers(JsonNode list) {
    double[] out = new double[list.size()];
    for (int i = 0; i < out.length; i++) out[i] = list.get(i).asDouble();
    return out;
  }

  static int mixed(int h) {
    h = (h ^ (h >>> 16)) * 0x85ebca6b;
    h = (h ^ (h >>> 13)) * 0xc2b2ae35;
    return h ^ (h >>> 16);
  }

  /** Work space of one thread. */
  final class Scorer {
    final double[] scores = new double[categories.length];
    private final double[] margins = new double[heads];
    private int[] tokens = new int[256];
    private final int[] met = new int[tags.length];
    private int known, turn;

    private void add(int id) {
      int tag = id >>> 16;
      if (tag == 0) tag = 1;
      int bucket = (id & bucketMask) * WAYS;
      for (int way = bucket; way < bucket + WAYS; way++) {
        if ((tags[way] & 0xffff) != tag) continue;
        if (met[way] == turn) return;
        met[way] = turn;
        known++;
        int row = way * heads;
        for (int head = 0; head < heads; head++) margins[head] += values[row + head];
        return;
      }
    }

    double[] score(String foldedForm, String phonetic) {
      Arrays.fill(margins, 0);
      known = 0;
      if (++turn == 0) {
        Arrays.fill(met, 0);
        turn = 1;
      }
      int n = Math.min(foldedForm.length(), LONGEST_FOLDED);
      for (int i = -1; i <= n; i++) {
        int hash = CHARACTERS;
        int last = Math.min(n, i + CHARACTER_N - 1);
        for (int k = i; k <= last; k++) {
          int code = k == -1 || k == n ? ' ' : foldedForm.charAt(k);
          hash = ((hash ^ code) * 0x01000193) ^ (hash >>> 15);
          add(mixed(hash + k - i));
        }
      }
      int count = readTokens(phonetic);
      for (int i = 0; i < count; i++) {
        int hash = TOKENS, sum = 0;
        int last = Math.min(count, i + TOKEN_N) - 1;
        for (int k = i; k <= last; k++) {
          int token = tokens[k];
          hash = ((hash ^ token) * 0x01000193) ^ (hash >>> 15);
          add(mixed(hash + k - i));
          sum += token * 0x9e3779b1;
          if (k == i || k - i >= UNORDERED_N) continue;
          add(mixed(sum ^ (UNORDERED + k - i)));
        }
      }
      double scale = 1 / Math.sqrt(known + PRIOR_GRAMS);
      double highest = Double.NEGATIVE_INFINITY;
      for (int head = 0; head < heads; head++) {
        margins[head] = slopes[head] * (margins[head] * scale + biases[head]) + offsets[head];
        if (head > 0 && margins[head] > highest) highest = margins[head];
      }
      double likeliest = sigmoid(highest);
      double raised = Math.max(likeliest, sigmoid(margins[0])) / likeliest;
      for (int head = 1; head < heads; head++) scores[head - 1] = sigmoid(margins[head]) * raised;
      return scores;
    }

    private int readTokens(String text) {
      int count = 0, n = Math.min(text.length(), LONGEST_PHONETIC);
      for (int i = 0; i < n;) {
        char code = text.charAt(i);
        if (code == ' ') {
          i++;
          continue;
        }
        int start = i, hash = TOKENS;
        do {
          hash = ((hash ^ code) * 0x01000193) ^ (hash >>> 15);
          code = ++i < n ? text.charAt(i) : ' ';
        } while (code != ' ');
        if (i == start + 1 && text.charAt(start) == '/') continue;
        if (count == tokens.length) tokens = Arrays.copyOf(tokens, count * 2);
        tokens[count++] = mixed(hash);
      }
      return count;
    }
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}

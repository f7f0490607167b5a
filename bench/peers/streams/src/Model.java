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
  private static final int CHARACTER_N = 4, TOKEN_N = 4, UNORDERED_N = 3, WAYS = 8, PRIOR_GRAMS = 30;
  private static final int CHARACTERS = 0x2c1b3c6d, TOKENS = 0x297a2d39, UNORDERED = 0x5f356495;
  private static final int LONGEST_FOLDED = 4000, LONGEST_PHONETIC = 16000;
  private static final int WINDOW = 120, WINDOW_STEP = 60, WINDOWED_FROM = 150;
  private static final int MOST_WINDOWS = windowsOf(LONGEST_FOLDED);

  final String version;
  final String[] categories;
  private final int kinds, heads, bucketMask;
  private final double[] biases, slopes, offsets;
  private final short[] tags;
  private final float[] harmful, byCategory;

  Model(String file) throws Exception {
    byte[] bytes = Files.readAllBytes(Path.of(file));
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int headerLength = buffer.getInt(12);
    JsonNode header = new ObjectMapper().readTree(new String(bytes, 16, headerLength, StandardCharsets.UTF_8));
    categories = new String[header.get("categories").size()];
    for (int i = 0; i < categories.length; i++) categories[i] = header.get("categories").get(i).asText();
    kinds = categories.length;
    heads = kinds + 1;
    bucketMask = (1 << header.get("bucketBits").asInt()) - 1;
    biases = numbers(header.get("biases"));
    slopes = numbers(header.get("slopes"));
    offsets = numbers(header.get("offsets"));
    int slots = WAYS << header.get("bucketBits").asInt();
    tags = new short[slots];
    harmful = new float[slots];
    byCategory = new float[slots / WAYS * kinds];
    buffer.position(16 + headerLength);
    buffer.asShortBuffer().get(tags);
    buffer.position(16 + headerLength + slots * 2);
    buffer.asFloatBuffer().get(harmful).get(byCategory);
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)).substring(0, 12);
    version = header.get("profile").asText() + "-" + hash;
  }

  private static double[] numbers(JsonNode list) {
    double[] out = new double[list.size()];
    for (int i = 0; i < out.length; i++) out[i] = list.get(i).asDouble();
    return out;
  }

  private static int windowsOf(int length) {
    return (length - WINDOW + 2 * WINDOW_STEP - 1) / WINDOW_STEP;
  }

  private static double joined(double harmful, double likeliest) {
    return 2 * Math.log(Math.exp(harmful / 2) + Math.exp(likeliest / 2)) - 0.9;
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
    private int known, telling, turn;
    private final double[] sums = new double[MOST_WINDOWS * heads], windowMargins = new double[heads], worstMargins = new double[heads];
    private final int[] knownIn = new int[MOST_WINDOWS], tellingIn = new int[MOST_WINDOWS];
    private final byte[] countedUpTo = new byte[tags.length];
    private int[] counted = new int[4096], tokenStarts = new int[256];
    private int countedCount, windows;

    private void addToWindows(int way, double place) {
      if (countedCount == counted.length) counted = Arrays.copyOf(counted, countedCount * 2);
      counted[countedCount++] = way;
      int step = (int) Math.floor(place / WINDOW_STEP), last = Math.min(step, windows - 1), row = way / WAYS * kinds;
      for (int window = Math.max(countedUpTo[way], step - 1); window <= last; window++) {
        knownIn[window]++;
        int at = window * heads;
        sums[at] += harmful[way];
        if (way % WAYS != 0) continue;
        tellingIn[window]++;
        for (int kind = 0; kind < kinds; kind++) sums[at + 1 + kind] += byCategory[row + kind];
      }
      countedUpTo[way] = (byte) (last + 1);
    }

    private void calibrate(double[] summed, int from, int knownGrams, int tellingGrams, double[] into) {
      for (int head = 0; head < heads; head++) {
        double scale = 1 / Math.sqrt((head == 0 ? knownGrams : tellingGrams) + PRIOR_GRAMS);
        into[head] = slopes[head] * (summed[from + head] * scale + biases[head]) + offsets[head];
      }
    }

    private double likeliestOf(double[] calibrated) {
      double likeliest = Double.NEGATIVE_INFINITY;
      for (int head = 1; head < heads; head++) likeliest = Math.max(likeliest, calibrated[head]);
      return likeliest;
    }

    /** `place`: where the n-gram begins, in code units of the folded form. */
    private void add(int id, double place) {
      int tag = id >>> 16;
      if (tag == 0) tag = 1;
      int bucket = (id & bucketMask) * WAYS;
      for (int way = bucket; way < bucket + WAYS; way++) {
        if ((tags[way] & 0xffff) != tag) continue;
        if (windows > 0) addToWindows(way, place);
        if (met[way] == turn) return;
        met[way] = turn;
        known++;
        margins[0] += harmful[way];
        if (way % WAYS != 0) return;
        telling++;
        int row = way / WAYS * kinds;
        for (int kind = 0; kind < kinds; kind++) margins[kind + 1] += byCategory[row + kind];
        return;
      }
    }

    double[] score(String foldedForm, String phonetic) {
      Arrays.fill(margins, 0);
      known = 0;
      telling = 0;
      if (++turn == 0) {
        Arrays.fill(met, 0);
        turn = 1;
      }
      int n = Math.min(foldedForm.length(), LONGEST_FOLDED);
      windows = n > WINDOWED_FROM ? windowsOf(n) : 0;
      double pace = (double) n / Math.max(1, Math.min(phonetic.length(), LONGEST_PHONETIC));
      countedCount = 0;
      Arrays.fill(sums, 0, windows * heads, 0);
      Arrays.fill(knownIn, 0, windows, 0);
      Arrays.fill(tellingIn, 0, windows, 0);
      for (int i = -1; i <= n; i++) {
        int hash = CHARACTERS;
        int last = Math.min(n, i + CHARACTER_N - 1);
        for (int k = i; k <= last; k++) {
          int code = k == -1 || k == n ? ' ' : foldedForm.charAt(k);
          hash = ((hash ^ code) * 0x01000193) ^ (hash >>> 15);
          add(mixed(hash + k - i), Math.max(i, 0));
        }
      }
      int count = readTokens(phonetic);
      for (int i = 0; i < count; i++) {
        int hash = TOKENS, sum = 0;
        int last = Math.min(count, i + TOKEN_N) - 1;
        for (int k = i; k <= last; k++) {
          int token = tokens[k];
          hash = ((hash ^ token) * 0x01000193) ^ (hash >>> 15);
          add(mixed(hash + k - i), tokenStarts[i] * pace);
          sum += token * 0x9e3779b1;
          if (k == i || k - i >= UNORDERED_N) continue;
          add(mixed(sum ^ (UNORDERED + k - i)), tokenStarts[i] * pace);
        }
      }
      calibrate(margins, 0, known, telling, margins);
      if (windows > 0) {
        double worst = Double.NEGATIVE_INFINITY;
        for (int window = 0; window < windows; window++) {
          calibrate(sums, window * heads, knownIn[window], tellingIn[window], windowMargins);
          double margin = joined(windowMargins[0], likeliestOf(windowMargins));
          if (margin <= worst) continue;
          worst = margin;
          System.arraycopy(windowMargins, 0, worstMargins, 0, heads);
        }
        for (int head = 0; head < heads; head++) margins[head] = (margins[head] + worstMargins[head]) / 2;
        for (int i = 0; i < countedCount; i++) countedUpTo[counted[i]] = 0;
      }
      double likeliest = likeliestOf(margins);
      double share = sigmoid(joined(margins[0], likeliest)) / sigmoid(likeliest);
      for (int head = 1; head < heads; head++) scores[head - 1] = sigmoid(margins[head]) * share;
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
        if (count == tokens.length) {
          tokens = Arrays.copyOf(tokens, count * 2);
          tokenStarts = Arrays.copyOf(tokenStarts, count * 2);
        }
        tokenStarts[count] = start;
        tokens[count++] = mixed(hash);
      }
      return count;
    }
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}

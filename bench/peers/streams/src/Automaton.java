import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Aho–Corasick over UTF-16 code units, as packages/policy/automaton.ts: numbered alphabet, dense table where it is small, else a hash table. Immutable. */
final class Automaton {
  private final char[] symbols = new char[0x10000];
  private final int alphabet;
  private final int[] dense;
  private final int[] keys;
  private final int[] targets;
  private final int mask;
  private final int[] fail;
  private final int[] root;
  private final int[] pattern;
  private final int[] nextOutput;
  private final int[] output;
  final int[] lengths;

  /** Pairs (pattern, end) of a scan. */
  static final class Hits {
    int[] pairs = new int[64];
    int count;
  }

  Automaton(List<String> patterns) {
    int letters = 1;
    List<Map<Integer, Integer>> edges = new ArrayList<>();
    List<Integer> ends = new ArrayList<>();
    edges.add(new HashMap<>());
    ends.add(-1);
    lengths = new int[patterns.size()];
    for (int index = 0; index < patterns.size(); index++) {
      String text = patterns.get(index);
      lengths[index] = text.length();
      if (text.isEmpty()) continue;
      int state = 0;
      for (int i = 0; i < text.length(); i++) {
        char code = text.charAt(i);
        if (symbols[code] == 0) symbols[code] = (char) letters++;
        int symbol = symbols[code];
        Integer next = edges.get(state).get(symbol);
        if (next == null) {
          next = edges.size();
          edges.add(new HashMap<>());
          ends.add(-1);
          edges.get(state).put(symbol, next);
        }
        state = next;
      }
      ends.set(state, index);
    }
    int states = edges.size();
    alphabet = letters;
    fail = new int[states];
    pattern = new int[states];
    for (int i = 0; i < states; i++) pattern[i] = ends.get(i);
    nextOutput = new int[states];
    output = new int[states];
    root = new int[letters];
    int size = 16;
    while (size < states * 2) size *= 2;
    mask = size - 1;
    keys = new int[size];
    targets = new int[size];
    edges.get(0).forEach((symbol, target) -> root[symbol] = target);
    for (int state = 1; state < states; state++) {
      int from = state;
      edges.get(state).forEach((symbol, target) -> insert(from * alphabet + symbol, target));
    }
    ArrayDeque<Integer> queue = new ArrayDeque<>(edges.get(0).values());
    List<Integer> order = new ArrayList<>();
    while (!queue.isEmpty()) {
      int state = queue.poll();
      order.add(state);
      int failed = fail[state];
      nextOutput[state] = output[failed];
      output[state] = pattern[state] >= 0 ? state : output[failed];
      edges.get(state).forEach((symbol, target) -> {
        fail[target] = step(failed, symbol);
        queue.add(target);
      });
    }
    dense = new int[(long) states * letters <= (4 << 20) ? states * letters : 0];
    if (dense.length > 0) {
      for (int symbol = 1; symbol < letters; symbol++) dense[symbol] = step(0, symbol);
      for (int state : order)
        for (int symbol = 1; symbol < letters; symbol++) dense[state * letters + symbol] = step(state, symbol);
    }
  }

  void scan(String text, Hits hits) {
    int count = 0, state = 0;
    for (int i = 0; i < text.length(); i++) {
      int symbol = symbols[text.charAt(i)];
      if (symbol == 0) state = 0;
      else if (dense.length > 0) state = dense[state * alphabet + symbol];
      else state = state == 0 ? root[symbol] : step(state, symbol);
      for (int at = output[state]; at > 0; at = nextOutput[at]) {
        if (count * 2 + 2 > hits.pairs.length) hits.pairs = Arrays.copyOf(hits.pairs, hits.pairs.length * 2);
        hits.pairs[count * 2] = pattern[at];
        hits.pairs[count * 2 + 1] = i + 1;
        count++;
      }
    }
    hits.count = count;
  }

  private int step(int from, int symbol) {
    int state = from;
    while (state != 0) {
      int target = find(state * alphabet + symbol);
      if (target != 0) return target;
      state = fail[state];
    }
    return root[symbol];
  }

  private int find(int key) {
    int slot = (key * 0x9e3779b1) >>> 7;
    for (;;) {
      slot &= mask;
      int there = keys[slot];
      if (there == key) return targets[slot];
      if (there == 0) return 0;
      slot++;
    }
  }

  private void insert(int key, int target) {
    int slot = ((key * 0x9e3779b1) >>> 7) & mask;
    while (keys[slot] != 0) slot = (slot + 1) & mask;
    keys[slot] = key;
    targets[slot] = target;
  }
}

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The comparison forms of a text, as packages/text makes them (fold.ts, phonetic.ts, pinyin.ts, offset-map.ts). One a thread. */
final class Forms {
  private static final int LONGEST_RUN = 2, LONE_LETTERS = 3, LONE_DIGITS = 5, DOUBLED = 3;
  private static final String HAN_DIGITS = "零〇一二三四五六七八九幺两洞拐壹贰叁肆伍陆柒捌玖";

  private final Data data;
  private final short[] children;
  private final short[] ending;
  char[] units = new char[1024];
  int[] offsets = new int[1024];
  int length;
  byte[] sound = new byte[4096];
  int[] soundOffsets = new int[4096];
  int soundLength;
  private int[] pictures = new int[96];
  private int[] counts = new int[64];
  private short[] lasts = new short[64];
  private short[] cut = new short[64];

  Forms(Data data) {
    this.data = data;
    short[] trie = new short[data.syllables.length * 6 * 26];
    short[] ends = new short[data.syllables.length * 6];
    Arrays.fill(ends, (short) -1);
    short nodes = 1;
    for (int number = 0; number < data.syllables.length; number++) {
      int node = 0;
      for (char letter : data.syllables[number].toCharArray()) {
        int edge = node * 26 + letter - 'a';
        if (trie[edge] == 0) trie[edge] = nodes++;
        node = trie[edge];
      }
      ends[node] = (short) number;
    }
    children = Arrays.copyOf(trie, nodes * 26);
    ending = Arrays.copyOf(ends, nodes);
  }

  List<wardline.TextForm> make(String text) {
    if (text.isEmpty()) return new ArrayList<>(0);
    fold(text);
    String folded = new String(units, 0, length);
    makeSound();
    List<wardline.TextForm> forms = new ArrayList<>(2);
    List<Integer> map = folded.equals(text) ? new ArrayList<>(0) : encodeMap(offsets, length, text.length());
    forms.add(new wardline.TextForm(wardline.FormKind.FOLDED, folded, map));
    forms.add(new wardline.TextForm(wardline.FormKind.PHONETIC,
        new String(sound, 0, soundLength, StandardCharsets.ISO_8859_1), encodeMap(soundOffsets, soundLength, text.length())));
    return forms;
  }

  private void reserve(int size) {
    if (size <= units.length) return;
    int larger = Math.max(size, units.length * 2);
    units = Arrays.copyOf(units, larger);
    offsets = Arrays.copyOf(offsets, larger);
  }

  private void fold(String text) {
    reserve(text.length() + 32);
    int out = 0, pictureCount = 0;
    boolean hasSeparator = false, hasSplit = false, hasRun = false;
    char previous = 0;
    for (int i = 0; i < text.length(); i++) {
      char code = text.charAt(i);
      int from = i, codePoint = code;
      String reading = data.narrow[code];
      if (Character.isHighSurrogate(code) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
        codePoint = Character.toCodePoint(code, text.charAt(++i));
        reading = data.wide.get(codePoint);
        if (reading == null) reading = Character.toString(codePoint);
      }
      boolean picture = data.isPicture(codePoint);
      if (reading == null && !picture) {
        if (out == units.length) reserve(out + 32);
        if (code == previous) hasRun = true;
        if (data.startsSplit[code]) hasSplit = true;
        if (data.strengths[code] != 0) hasSeparator = true;
        units[out] = previous = code;
        offsets[out++] = from;
        continue;
      }
      if (reading == null) reading = String.valueOf(code);
      if (reading.isEmpty()) continue;
      if (picture) {
        if (pictureCount * 3 == pictures.length) pictures = Arrays.copyOf(pictures, pictures.length * 2);
        pictures[pictureCount * 3] = out;
        pictures[pictureCount * 3 + 1] = out + reading.length();
        pictures[pictureCount * 3 + 2] = codePoint;
        pictureCount++;
      }
      reserve(out + reading.length() + 32);
      for (int k = 0; k < reading.length(); k++) {
        char unit = reading.charAt(k);
        if (unit == previous) hasRun = true;
        if (data.startsSplit[unit]) hasSplit = true;
        if (data.strengths[unit] != 0) hasSeparator = true;
        units[out] = previous = unit;
        offsets[out++] = from;
      }
    }
    length = out;
    if (pictureCount > 1) dropRepeatedPictures(pictureCount);
    if (hasSeparator) dropSeparators();
    if (hasSplit) joinSplitCharacters();
    if (hasRun || hasSeparator || pictureCount > 1) cutRuns();
  }

  private void dropRepeatedPictures(int count) {
    int drops = 0;
    for (int p = 0; p + 1 < count; p++) {
      int start = pictures[p * 3], end = pictures[p * 3 + 1], next = pictures[p * 3 + 3], nextEnd = pictures[p * 3 + 4];
      int code = Math.abs(pictures[p * 3 + 2]);
      if (code == Math.abs(pictures[p * 3 + 5]) && next - end == 1 && start > 0 && nextEnd < length
          && Data.isHan(units[start - 1]) && Data.isHan(units[end]) && Data.isHan(units[nextEnd])) {
        pictures[p * 3 + 2] = -code;
        pictures[p * 3 + 5] = -code;
        drops++;
      }
    }
    if (drops == 0) return;
    int out = 0, p = 0;
    for (int i = 0; i < length;) {
      while (p < count && pictures[p * 3] < i) p++;
      if (p < count && pictures[p * 3] == i && pictures[p * 3 + 2] < 0) {
        i = pictures[p * 3 + 1];
        continue;
      }
      units[out] = units[i];
      offsets[out++] = offsets[i++];
    }
    length = out;
  }

  private void keep(int out, int i) {
    units[out] = units[i];
    offsets[out] = offsets[i];
  }

  private void dropSeparators() {
    int out = 0, piece = 0, n = length;
    for (int i = 0; i < n;) {
      char unit = units[i];
      if (data.strengths[unit] == 0) {
        if (i == 0 || !(Data.isLatin(units[i - 1]) || Data.isDigit(units[i - 1]))) {
          int end = loneChainEnd(i, n);
          if (end > i) {
            for (; i < end; i++) if (data.strengths[units[i]] == 0) keep(out++, i);
            piece = 0;
            continue;
          }
        }
        piece = Data.isHan(unit) ? piece + 1 : 0;
        keep(out++, i++);
        continue;
      }
      int end = i, weakest = 2;
      while (end < n) {
        int strength = data.strengths[units[end]];
        if (strength == 0) break;
        if (strength < weakest) weakest = strength;
        end++;
      }
      if (out > 0 && end < n && Data.isHan(units[out - 1]) && Data.isHan(units[end])) {
        boolean nextIsSingle = end + 1 >= n || !Data.isHan(units[end + 1]);
        if (weakest == 2 ? piece == 1 || nextIsSingle : piece == 1 && nextIsSingle) {
          piece = 0;
          i = end;
          continue;
        }
      }
      for (; i < end; i++) keep(out++, i);
      piece = 0;
    }
    length = out;
  }

  private int loneChainEnd(int start, int n) {
    char first = units[start];
    boolean latin = Data.isLatin(first);
    if (!latin && !Data.isDigit(first)) return start;
    int count = 0, end = start;
    for (int i = start;;) {
      if (i + 1 < n && (Data.isLatin(units[i + 1]) || Data.isDigit(units[i + 1]))) break;
      count++;
      end = i + 1;
      int next = end;
      while (next < n && next - end < 3 && data.strengths[units[next]] == 2) next++;
      if (next == end || next >= n || !(latin ? Data.isLatin(units[next]) : Data.isDigit(units[next]))) break;
      i = next;
    }
    if (!latin) return count >= LONE_DIGITS ? end : start;
    if (count >= LONE_LETTERS) return end;
    if (count < 2) return start;
    int before = start - 1;
    while (before >= 0 && start - before < 3 && data.strengths[units[before]] != 0) before--;
    int after = end;
    while (after < n && after - end < 3 && data.strengths[units[after]] != 0) after++;
    return (before >= 0 && Data.isHan(units[before]))
        || (after < n && (Data.isHan(units[after]) || Data.isDigit(units[after]))) ? end : start;
  }

  private void joinSplitCharacters() {
    int out = 0, n = length;
    for (int i = 0; i < n; out++) {
      char whole = 0;
      int end = i + 1;
      if (data.startsSplit[units[i]]) {
        Data.SplitNode node = data.splits.next.get(units[i]);
        for (int at = i + 1; node != null && at < n; at++) {
          node = node.next.get(units[at]);
          if (node != null && node.whole != 0) {
            whole = node.whole;
            end = at + 1;
          }
        }
      }
      units[out] = whole == 0 ? units[i] : whole;
      offsets[out] = offsets[i];
      i = end;
    }
    length = out;
  }

  private void cutRuns() {
    int out = 0, n = length;
    for (int i = 0; i < n;) {
      char unit = units[i];
      int end = i + 1;
      while (end < n && units[end] == unit) end++;
      int run = end - i, kept = run;
      if (run > LONGEST_RUN && !Data.isDigit(unit) && HAN_DIGITS.indexOf(unit) < 0) {
        boolean inWord = Data.isLatin(unit)
            && ((out > 0 && Data.isLatin(units[out - 1])) || (end < n && Data.isLatin(units[end])));
        boolean isWww = unit == 'w' && run == 3 && end < n && units[end] == '.';
        kept = inWord ? 1 : isWww ? run : LONGEST_RUN;
      } else if (run == 2 && Data.isHan(unit)) {
        int pairs = doubledPairs(i, n);
        if (pairs >= DOUBLED) {
          for (int pair = 0; pair < pairs; pair++) keep(out++, i + pair * 2);
          i += pairs * 2;
          continue;
        }
      }
      for (int k = 0; k < kept; k++) {
        units[out] = unit;
        offsets[out++] = offsets[i + k];
      }
      i = end;
    }
    length = out;
  }

  private int doubledPairs(int start, int n) {
    int pairs = 0;
    for (int i = start; i + 1 < n && units[i] == units[i + 1] && Data.isHan(units[i])
        && HAN_DIGITS.indexOf(units[i]) < 0; i += 2) {
      if (i + 2 < n && units[i + 2] == units[i]) break;
      pairs++;
    }
    return pairs;
  }

  private void makeSound() {
    int needed = length * 7 + 16;
    if (needed > sound.length) {
      sound = new byte[Math.max(needed, sound.length * 2)];
      soundOffsets = new int[sound.length];
    }
    int out = 0;
    for (int i = 0; i < length;) {
      char code = units[i];
      int offset = offsets[i];
      if (code >= Data.HAN_FIRST && code <= Data.HAN_LAST) {
        for (byte b : data.readings[code - Data.HAN_FIRST]) {
          sound[out] = b;
          soundOffsets[out++] = offset;
        }
        i++;
        continue;
      }
      if (Data.isLatin(code)) {
        int end = i + 1;
        while (end < length && Data.isLatin(units[end])) end++;
        int count = cutPinyin(i, end);
        boolean beforeDigit = end < length && Data.isDigit(units[end]);
        if (count > 0 && !(beforeDigit && count < 2)) {
          for (int k = 0; k < count; k++) {
            byte[] merged = data.merged[cut[k]];
            int last = i + data.syllables[cut[k]].length() - 1;
            for (int m = 0; m < merged.length; m++) {
              sound[out] = merged[m];
              soundOffsets[out++] = offsets[m == merged.length - 1 ? last : Math.min(i + m, last)];
            }
            i = last + 1;
          }
          continue;
        }
      } else if (!Data.isDigit(code)) {
        if (code != ' ') {
          sound[out] = '/';
          soundOffsets[out++] = offset;
          sound[out] = ' ';
          soundOffsets[out++] = offset;
        }
        i++;
        continue;
      }
      for (; i < length && (Data.isLatin(units[i]) || Data.isDigit(units[i])); i++) {
        sound[out] = (byte) units[i];
        soundOffsets[out++] = offsets[i];
      }
      sound[out] = ' ';
      soundOffsets[out++] = offsets[i - 1];
    }
    soundLength = out;
  }

  private int cutPinyin(int start, int end) {
    int n = end - start;
    if (counts.length <= n) {
      counts = new int[n * 2];
      lasts = new short[n * 2];
      cut = new short[n * 2];
    }
    Arrays.fill(counts, 0, n + 1, Integer.MAX_VALUE);
    counts[0] = 0;
    int reached = 0;
    for (int from = 0; from < n; from++) {
      int count = counts[from];
      if (count == Integer.MAX_VALUE) {
        if (from > reached) return 0;
        continue;
      }
      int node = 0;
      for (int at = from; at < n; at++) {
        node = children[node * 26 + units[start + at] - 'a'];
        if (node == 0) break;
        short syllable = ending[node];
        if (syllable >= 0 && count + 1 <= counts[at + 1]) {
          counts[at + 1] = count + 1;
          lasts[at + 1] = syllable;
          if (at + 1 > reached) reached = at + 1;
        }
      }
    }
    int count = counts[n];
    if (count == Integer.MAX_VALUE) return 0;
    for (int at = n, k = count - 1; at > 0; k--) {
      cut[k] = lasts[at];
      at -= data.syllables[cut[k]].length();
    }
    return count;
  }

  private static List<Integer> encodeMap(int[] offsets, int length, int originalLength) {
    List<Integer> map = new ArrayList<>();
    int pairAt = 0, pairOffset = -1;
    for (int i = 0; i < length;) {
      int offset = offsets[i], end = i + 1;
      while (end < length && offsets[end] == offset) end++;
      int next = end < length ? offsets[end] : originalLength;
      if (pairOffset == -1 || pairOffset + (i - pairAt) != offset) {
        map.add(i);
        map.add(offset);
        pairAt = i;
        pairOffset = offset;
      }
      if (end - i > 1 && next - 1 > offset) {
        for (int k = i + 1; k < end; k++) {
          map.add(k);
          map.add(offset);
        }
        pairAt = end - 1;
        pairOffset = offset;
      }
      i = end;
    }
    if (pairOffset + (length - pairAt) > originalLength) {
      map.add(length);
      map.add(originalLength);
    }
    return map;
  }

  static int[] decodeMap(wardline.TextForm form) {
    List<Integer> map = form.map;
    int n = form.text.length();
    int[] offsets = new int[n];
    if (map.isEmpty()) {
      for (int i = 0; i < n; i++) offsets[i] = i;
      return offsets;
    }
    for (int pair = 0; pair < map.size(); pair += 2) {
      int from = map.get(pair), original = map.get(pair + 1);
      int until = pair + 2 < map.size() ? Math.min(map.get(pair + 2), n) : n;
      int last = pair + 3 < map.size() ? Math.max(original, map.get(pair + 3) - 1) : Integer.MAX_VALUE;
      for (int i = from; i < until; i++) offsets[i] = Math.min(last, original + (i - from));
    }
    return offsets;
  }
}

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import wardline.Category;
import wardline.CategoryScore;
import wardline.ClassifiedEvent;
import wardline.FormKind;
import wardline.Media;
import wardline.MediaLabel;
import wardline.MediaType;
import wardline.NormalizedEvent;
import wardline.RuleHit;
import wardline.RuleMode;
import wardline.Span;
import wardline.TextForm;
import wardline.Tones;

/** packages/policy/classifier.ts and term-matcher.ts, less what README.md lists. The compiled part is shared; a Worker is one thread's. */
final class Classifier {
  private static final double FOLDED = 0.95, EXACT = 1, SWAPPED = 0.75, PINYIN = 0.85, HOMOPHONE = 0.8, SHORT = 0.62;
  private static final double INITIALS = 0.62, SHORT_INITIALS = 0.5, LEAST_CONTEXT = 0.25, COMPARABLE = 0.7;
  private static final int MOST_SPANS = 8, MOST_COMPARED = 64;
  private static final int[] LEAST_GRAMS = {30, 30, 1};
  private static final int RECRUITING = 1;
  private static final double SURELY_HARMLESS = 0.075, LEAST_SHARE = 0.3;

  private static void readThresholds(JsonNode limits, double[] into) {
    Arrays.fill(into, limits.get("default").asDouble());
    limits.get("categories").fields()
        .forEachRemaining(entry -> into[Category.valueOf(entry.getKey()).ordinal()] = entry.getValue().asDouble());
  }

  private record Rule(String id, String item, Category category, Set<wardline.EventKind> kinds, double threshold, double score,
      String signal, boolean live, long from, long until, boolean hasText, int modelCategory, boolean asksModel, JsonNode when,
      boolean never, boolean yieldsToModel) {}

  private final Data data;
  private final Model model;
  private final String[] terms;
  private final double[] weights;
  private final int[][] useRules;
  private final double[][] useWeights;
  private final Rule[] rules;
  private final Automaton folded, sounds;
  private final int firstSwapped, firstAllow, firstNegation, firstContext;
  private final int[] swappedTerm;
  private final double[] negationWeights, contextWeights;
  private final int[][] soundTerms;
  private final int[] soundSyllables;
  /** Two syllables that everyday words have, too: in Latin letters alone they are no sign. */
  private final boolean[] soundEveryday;
  private final Map<String, int[]> initials = new HashMap<>();
  private int longestInitials;
  private final double[] thresholds = new double[Category.values().length];
  private final double[] modelAloneThresholds = new double[Category.values().length];
  private final byte[][] toneWeights = new byte[3][];
  private final double[] toneScales = new double[3], toneBiases = new double[3];

  Classifier(Data data, Model model) {
    this.data = data;
    this.model = model;
    JsonNode root = data.root;
    JsonNode list = root.get("terms");
    int n = list.size();
    terms = new String[n];
    weights = new double[n];
    useRules = new int[n][];
    useWeights = new double[n][];
    String[] soundOf = new String[n];
    Set<String> everyday = new HashSet<>();
    for (int i = 0; i < n; i++) {
      JsonNode term = list.get(i);
      terms[i] = term.get("term").asText();
      weights[i] = term.get("weight").asDouble();
      soundOf[i] = isHanOnly(terms[i]) && terms[i].length() >= 2 ? term.get("sound").asText() : "";
      if (term.get("everyday").asBoolean()) everyday.add(soundOf[i]);
      JsonNode uses = term.get("uses");
      useRules[i] = new int[uses.size()];
      useWeights[i] = new double[uses.size()];
      for (int k = 0; k < uses.size(); k++) {
        useRules[i][k] = uses.get(k).get(0).asInt();
        useWeights[i][k] = uses.get(k).get(1).asDouble();
      }
    }
    rules = new Rule[root.get("rules").size()];
    for (int i = 0; i < rules.length; i++) rules[i] = ruleOf(root.get("rules").get(i));

    List<String> patterns = new ArrayList<>(Arrays.asList(terms));
    firstSwapped = n;
    Set<String> known = new HashSet<>(patterns);
    Map<String, Integer> swapped = new LinkedHashMap<>();
    for (int number = 0; number < n; number++) {
      String term = terms[number];
      if (term.length() < 3 || term.length() > 8 || !isHanOnly(term)) continue;
      for (int i = 0; i + 1 < term.length(); i++) {
        if (term.charAt(i) == term.charAt(i + 1)) continue;
        String other = term.substring(0, i) + term.charAt(i + 1) + term.charAt(i) + term.substring(i + 2);
        if (!known.contains(other)) swapped.put(other, number);
      }
    }
    patterns.addAll(swapped.keySet());
    swappedTerm = swapped.values().stream().mapToInt(Integer::intValue).toArray();
    firstAllow = patterns.size();
    for (JsonNode phrase : root.get("allow")) patterns.add(phrase.asText());
    firstNegation = patterns.size();
    negationWeights = phrases(root.get("negations"), patterns);
    firstContext = patterns.size();
    contextWeights = phrases(root.get("contexts"), patterns);
    folded = new Automaton(patterns);

    Map<String, List<Integer>> termsOfSound = new LinkedHashMap<>();
    for (int i = 0; i < n; i++)
      if (!soundOf[i].isEmpty()) termsOfSound.computeIfAbsent(soundOf[i], s -> new ArrayList<>()).add(i);
    sounds = new Automaton(new ArrayList<>(termsOfSound.keySet()));
    soundTerms = termsOfSound.values().stream().map(this::oncePerRule).toArray(int[][]::new);
    soundSyllables = Arrays.stream(soundTerms).mapToInt(numbers -> terms[numbers[0]].length()).toArray();
    soundEveryday = new boolean[soundTerms.length];
    int pattern = 0;
    for (String sound : termsOfSound.keySet()) soundEveryday[pattern++] = everyday.contains(sound);
    Map<String, List<Integer>> byInitials = new HashMap<>();
    termsOfSound.forEach((sound, numbers) -> {
      StringBuilder letters = new StringBuilder();
      for (String syllable : sound.trim().split(" ")) letters.append(syllable.charAt(0));
      String key = letters.toString();
      if (key.length() < 3 || key.matches(".*[aeiou].*")) return;
      for (int number : numbers) if (weights[number] >= 0.55) byInitials.computeIfAbsent(key, k -> new ArrayList<>()).add(number);
    });
    byInitials.forEach((key, numbers) -> {
      initials.put(key, oncePerRule(numbers));
      longestInitials = Math.max(longestInitials, key.length());
    });

    readThresholds(root.get("thresholds"), thresholds);
    readThresholds(root.get("thresholds").get("modelAlone"), modelAloneThresholds);
    String[] tones = {"approach", "recruiting", "hostile"};
    for (int i = 0; i < 3; i++) {
      JsonNode tone = root.get("tones").get(tones[i]);
      toneWeights[i] = Base64.getMimeDecoder().decode(tone.get("weights").asText());
      toneScales[i] = tone.get("scale").asDouble();
      toneBiases[i] = tone.get("bias").asDouble();
    }
  }

  private static double[] phrases(JsonNode list, List<String> patterns) {
    double[] out = new double[list.size()];
    for (int i = 0; i < out.length; i++) {
      patterns.add(list.get(i).get("term").asText());
      out[i] = list.get(i).get("weight").asDouble();
    }
    return out;
  }

  private Rule ruleOf(JsonNode node) {
    JsonNode when = node.get("when");
    Set<wardline.EventKind> kinds = null;
    if (!node.get("kinds").isNull()) {
      kinds = new HashSet<>();
      for (JsonNode kind : node.get("kinds")) kinds.add(wardline.EventKind.valueOf(kind.asText()));
    }
    int modelCategory = -1;
    if (when.has("model"))
      modelCategory = Arrays.asList(model.categories).indexOf(when.get("model").asText());
    return new Rule(node.get("id").asText(), node.get("item").asText(), Category.valueOf(node.get("category").asText()), kinds,
        node.get("threshold").asDouble(), node.get("score").asDouble(), node.get("signal").isNull() ? null : node.get("signal").asText(),
        node.get("live").asBoolean(), node.get("from").isNull() ? Long.MIN_VALUE : node.get("from").asLong(),
        node.get("until").isNull() ? Long.MAX_VALUE : node.get("until").asLong(), when.has("lexicon") || when.has("terms"),
        modelCategory, when.has("model"), when, when.has("contactHandle"), node.get("yieldsToModel").asBoolean());
  }

  private int[] oncePerRule(List<Integer> numbers) {
    Set<Integer> covered = new HashSet<>();
    return numbers.stream().sorted((a, b) -> Double.compare(weights[b], weights[a])).filter(number -> {
      boolean isNew = false;
      for (int rule : useRules[number]) isNew |= !covered.contains(rule);
      for (int rule : useRules[number]) covered.add(rule);
      return isNew;
    }).mapToInt(Integer::intValue).toArray();
  }

  private static boolean isHanOnly(String text) {
    for (int i = 0; i < text.length(); i++) if (!Data.isHan(text.charAt(i))) return false;
    return true;
  }

  private static boolean isAlphanumeric(int code) {
    return Data.isLatin(code) || Data.isDigit(code);
  }

  private static boolean isWhole(String text, int start, int end) {
    if (start > 0 && isAlphanumeric(text.charAt(start)) && isAlphanumeric(text.charAt(start - 1))) return false;
    return !(end < text.length() && isAlphanumeric(text.charAt(end - 1)) && isAlphanumeric(text.charAt(end)));
  }

  final class Worker {
    private final Forms forms;
    private final Model.Scorer scorer = model.new Scorer();
    private final Automaton.Hits hits = new Automaton.Hits();
    private final double[] confidence = new double[terms.length];
    private final int[][] ranges = new int[terms.length][];
    private final int[] rangeCount = new int[terms.length];
    private int[] found = new int[64];
    private int foundCount;
    private final double[] doubt = new double[rules.length];
    private final double[] highest = new double[model.categories.length];
    private int[] allowed = new int[32], negated = new int[48], written = new int[48], reach = new int[16];
    private int allowCount, negationCount, writtenCount;
    private int[] offsets;
    private TextForm foldedForm;
    private String original;
    private int from, to;
    private final long[] seenGrams = new long[(1 << 17) / 64];
    private final int[] grams = new int[1536];

    Worker(Forms forms) {
      this.forms = forms;
    }

    private void span(int start, int end) {
      if (offsets == null) offsets = Forms.decodeMap(foldedForm);
      originalSpan(offsets, start, end);
    }

    private void originalSpan(int[] of, int start, int end) {
      int first = start < of.length ? of[start] : original.length();
      int last = end - 1 < of.length ? of[end - 1] : first;
      if (first > 0 && first < original.length() && Character.isLowSurrogate(original.charAt(first))
          && Character.isHighSurrogate(original.charAt(first - 1))) first--;
      int codePoint = last < original.length() ? original.codePointAt(last) : 0;
      from = first;
      to = Math.min(original.length(), last + (codePoint > 0xffff ? 2 : 1));
    }

    private boolean wants(int term, double sure) {
      return confidence[term] < sure || rangeCount[term] < MOST_SPANS;
    }

    private void add(int term, double sure, boolean withSpan, int start, int end) {
      if (confidence[term] == 0) {
        if (foundCount == found.length) found = Arrays.copyOf(found, foundCount * 2);
        found[foundCount++] = term;
      }
      if (sure > confidence[term]) confidence[term] = sure;
      if (!withSpan) return;
      int count = rangeCount[term];
      if (ranges[term] == null) ranges[term] = new int[MOST_SPANS * 2];
      if (count >= MOST_SPANS) return;
      for (int i = 0; i < count; i++) if (ranges[term][i * 2] == start && ranges[term][i * 2 + 1] == end) return;
      ranges[term][count * 2] = start;
      ranges[term][count * 2 + 1] = end;
      rangeCount[term] = count + 1;
    }

    private void match(String text, List<TextForm> texts, boolean withSpans) {
      foldedForm = null;
      TextForm sounding = null;
      for (TextForm form : texts) {
        if (form.form == FormKind.FOLDED) foldedForm = form;
        else if (form.form == FormKind.PHONETIC) sounding = form;
      }
      if (foldedForm == null) return;
      original = text;
      offsets = null;
      String folding = foldedForm.text;
      folded.scan(folding, hits);
      double context = 1;
      int termHits = 0;
      allowCount = negationCount = writtenCount = 0;
      for (int i = 0; i < hits.count; i++) {
        int pattern = hits.pairs[i * 2], end = hits.pairs[i * 2 + 1], start = end - folded.lengths[pattern];
        if (pattern < firstAllow) termHits++;
        else if (!isWhole(folding, start, end)) continue;
        else if (pattern < firstNegation) {
          if (allowCount * 2 == allowed.length) allowed = Arrays.copyOf(allowed, allowed.length * 2);
          allowed[allowCount * 2] = start;
          allowed[allowCount++ * 2 + 1] = end;
        } else if (pattern < firstContext) {
          if (negationCount * 3 == negated.length) negated = Arrays.copyOf(negated, negated.length * 2);
          negated[negationCount * 3] = start;
          negated[negationCount * 3 + 1] = end;
          negated[negationCount++ * 3 + 2] = pattern - firstNegation;
        } else context = Math.min(context, contextWeights[pattern - firstContext]);
      }
      if (reach.length < allowCount) reach = new int[allowCount * 2];
      int least = Integer.MAX_VALUE;
      for (int i = allowCount - 1; i >= 0; i--) reach[i] = least = Math.min(least, allowed[i * 2]);

      if (termHits > 0) {
        int allowAt = 0, negationAt = 0;
        for (int i = 0; i < hits.count; i++) {
          int pattern = hits.pairs[i * 2], term = pattern;
          if (pattern >= firstAllow) continue;
          int end = hits.pairs[i * 2 + 1], start = end - folded.lengths[pattern];
          while (allowAt < allowCount && allowed[allowAt * 2 + 1] < end) allowAt++;
          if (allowAt < allowCount && reach[allowAt] <= start) continue;
          if (!isWhole(folding, start, end)) continue;
          while (negationAt < negationCount && negated[negationAt * 3 + 1] <= start) negationAt++;
          double sure;
          if (pattern >= firstSwapped) {
            term = swappedTerm[pattern - firstSwapped];
            sure = terms[term].length() > 3 ? SWAPPED : SHORT;
          } else sure = FOLDED;
          sure *= Math.max(LEAST_CONTEXT, context * negationBefore(folding, start, negationAt));
          span(start, end);
          if (isEmoticons(text, from, to)) continue;
          if (writtenCount * 3 == written.length) written = Arrays.copyOf(written, written.length * 2);
          written[writtenCount * 3] = term;
          written[writtenCount * 3 + 1] = from;
          written[writtenCount++ * 3 + 2] = to;
          if (!wants(term, sure)) continue;
          if (pattern == term && to - from == terms[term].length() && text.regionMatches(true, from, terms[term], 0, to - from))
            sure *= EXACT / FOLDED;
          add(term, sure, withSpans, from, to);
        }
      }
      matchInitials(folding, context, withSpans);
      if (sounding != null) matchSound(text, sounding, context, withSpans);
    }

    private double negationBefore(String text, int start, int until) {
      double left = 1;
      int reaching = Data.isLatin(text.charAt(start) | 0x20) ? 24 : 8;
      for (int k = until - 1; k >= 0 && k >= until - 4; k--) {
        int end = negated[k * 3 + 1];
        if (start - end > reaching) break;
        boolean same = true;
        for (int i = end; i < start && same; i++) same = "，,。.！!？?；;".indexOf(text.charAt(i)) < 0;
        if (same) left = Math.min(left, negationWeights[negated[k * 3 + 2]]);
      }
      return left;
    }

    private void matchInitials(String text, double context, boolean withSpans) {
      for (int i = 0; i < text.length();) {
        if (!isAlphanumeric(text.charAt(i))) {
          i++;
          continue;
        }
        int end = i, letters = 0;
        for (; end < text.length() && isAlphanumeric(text.charAt(end)); end++) if (Data.isLatin(text.charAt(end))) letters++;
        int n = end - i;
        if (letters == n && n >= 3 && n <= longestInitials) {
          int[] numbers = initials.get(text.substring(i, end));
          if (numbers != null) for (int term : numbers) {
            span(i, end);
            add(term, context * (n > 3 ? INITIALS : SHORT_INITIALS), withSpans, from, to);
          }
        }
        i = end;
      }
    }

    private void matchSound(String text, TextForm sounding, double context, boolean withSpans) {
      String sound = sounding.text;
      sounds.scan(sound, hits);
      if (hits.count == 0) return;
      int[] way = Forms.decodeMap(sounding);
      int allowAt = 0, negationAt = 0, writtenAt = 0;
      for (int i = 0; i < hits.count; i++) {
        int pattern = hits.pairs[i * 2], end = hits.pairs[i * 2 + 1], start = end - sounds.lengths[pattern];
        if (start > 0 && sound.charAt(start - 1) != ' ') continue;
        originalSpan(way, start, end);
        int first = from, last = to, syllables = soundSyllables[pattern];
        double latin = latinShare(text, first, last);
        if (isEmoticons(text, first, last) || (latin == 0 ? syllables < 3 : syllables < 2)) continue;
        if (latin == 1 && soundEveryday[pattern]) continue;
        boolean isShort = latin > 0 ? syllables < 3 : syllables <= 3;
        for (; negationAt < negationCount; negationAt++) {
          span(negated[negationAt * 3], negated[negationAt * 3 + 1]);
          if (to > first) break;
        }
        double left = 1;
        int reaching = first < text.length() && Data.isLatin(text.charAt(first) | 0x20) ? 24 : 8;
        for (int k = negationAt - 1; k >= 0 && k >= negationAt - 4; k--) {
          span(negated[k * 3], negated[k * 3 + 1]);
          if (first - to > reaching) break;
          boolean same = true;
          for (int at = to; at < first && same; at++) same = "，,。.！!？?；;".indexOf(text.charAt(at)) < 0;
          if (same) left = Math.min(left, negationWeights[negated[k * 3 + 2]]);
        }
        double sure = Math.max(LEAST_CONTEXT, context * left) * (isShort ? SHORT : latin > 0 ? PINYIN : HOMOPHONE);
        for (; allowAt < allowCount; allowAt++) {
          span(allowed[allowAt * 2], allowed[allowAt * 2 + 1]);
          if (to >= last) break;
        }
        if (allowAt < allowCount) {
          span(reach[allowAt], reach[allowAt] + 1);
          if (from <= first) continue;
        }
        while (writtenAt < writtenCount && written[writtenAt * 3 + 2] < last) writtenAt++;
        for (int term : soundTerms[pattern]) {
          boolean isWritten = false;
          for (int k = writtenAt; k < writtenCount && written[k * 3 + 2] == last && !isWritten; k++)
            isWritten = written[k * 3] == term && written[k * 3 + 1] == first;
          if (!isWritten && wants(term, sure)) add(term, sure, withSpans, first, last);
        }
      }
    }

    private double latinShare(String text, int start, int end) {
      int latin = 0, all = 0;
      for (int i = start; i < end; i++) {
        char code = text.charAt(i);
        if (code == ' ') continue;
        all++;
        if (Data.isLatin(code | 0x20)) latin++;
      }
      return all == 0 ? 0 : (double) latin / all;
    }

    private static boolean isEmoticons(String text, int start, int end) {
      if (start == 0 || text.charAt(start - 1) != '[' || end >= text.length() || text.charAt(end) != ']') return false;
      String[] names = text.substring(start, end).split("\\]\\[", -1);
      for (String name : names) if (!name.equals(names[0])) return false;
      return names.length > 1;
    }

    private boolean isInside(int term, int rule) {
      if (foundCount < 2 || foundCount > MOST_COMPARED) return false;
      for (int f = 0; f < foundCount; f++) {
        int other = found[f];
        if (other == term || !uses(other, rule) || confidence[other] < confidence[term] * COMPARABLE) continue;
        boolean stronger = confidence[other] > confidence[term] || (confidence[other] == confidence[term] && other < term);
        boolean inside = rangeCount[term] > 0;
        for (int i = 0; i < rangeCount[term] && inside; i++)
          inside = holds(other, ranges[term][i * 2], ranges[term][i * 2 + 1], stronger);
        if (inside) return true;
      }
      return false;
    }

    private boolean uses(int term, int rule) {
      for (int each : useRules[term]) if (each == rule) return true;
      return false;
    }

    private boolean holds(int term, int start, int end, boolean orEqual) {
      for (int i = 0; i < rangeCount[term]; i++) {
        int first = ranges[term][i * 2], last = ranges[term][i * 2 + 1];
        if (first <= start && end <= last && (orEqual || last - first > end - start)) return true;
      }
      return false;
    }

    private void raise(List<TextForm> texts) {
      String folding = null, phonetic = null;
      for (TextForm form : texts) {
        if (form.form == FormKind.FOLDED) folding = form.text;
        else if (form.form == FormKind.PHONETIC) phonetic = form.text;
      }
      if (folding == null || phonetic == null) return;
      double[] scores = scorer.score(folding, phonetic);
      for (int i = 0; i < highest.length; i++) if (scores[i] > highest[i]) highest[i] = scores[i];
    }

    ClassifiedEvent classify(NormalizedEvent event) {
      for (int f = 0; f < foundCount; f++) {
        confidence[found[f]] = 0;
        rangeCount[found[f]] = 0;
      }
      foundCount = 0;
      match(event.text, event.forms, true);
      boolean scored = !event.text.isEmpty();
      Arrays.fill(highest, 0);
      for (Media media : event.media) {
        if (media.recognizedText == null || media.recognizedText.isEmpty()) continue;
        List<TextForm> made = forms.make(media.recognizedText);
        match(media.recognizedText, made, false);
        raise(made);
        scored = true;
      }
      if (event.searchQuery != null && !event.searchQuery.isEmpty()) {
        List<TextForm> made = forms.make(event.searchQuery);
        match(event.searchQuery, made, false);
        raise(made);
        scored = true;
      }
      if (!event.text.isEmpty()) raise(event.forms);
      double sure = 0;
      for (double score : highest) sure = Math.max(sure, score);
      double share = scored ? Math.max(LEAST_SHARE, Math.min(1, sure / SURELY_HARMLESS)) : 1;
      Arrays.fill(doubt, 1);
      for (int f = 0; f < foundCount; f++) {
        int term = found[f];
        for (int k = 0; k < useRules[term].length; k++)
          if (!isInside(term, useRules[term][k])) doubt[useRules[term][k]] *= 1 - useWeights[term][k] * confidence[term];
      }
      List<RuleHit> ruleHits = new ArrayList<>();
      List<String> signals = new ArrayList<>();
      EnumMap<Category, Double> categoryDoubt = new EnumMap<>(Category.class);
      EnumMap<Category, Double> modelDoubt = new EnumMap<>(Category.class);
      List<Category> order = new ArrayList<>();
      for (int i = 0; i < rules.length; i++) {
        Rule rule = rules[i];
        if (rule.never || (rule.hasText && doubt[i] == 1) || (rule.asksModel && (!scored || rule.modelCategory < 0))) continue;
        if (event.occurredAt < rule.from || event.occurredAt >= rule.until) continue;
        if (rule.kinds != null && !rule.kinds.contains(event.kind)) continue;
        if (!metadataHolds(rule.when, event)) continue;
        double asked = rule.asksModel ? highest[rule.modelCategory] : 0;
        if (rule.asksModel && asked < rule.threshold) continue;
        double said = doubt[i] * (1 - rule.score);
        double score = Math.max(asked, 1 - (share < 1 && rule.yieldsToModel ? Math.pow(said, share) : said));
        if (score < rule.threshold) continue;
        if (rule.signal != null) {
          if (rule.live && !signals.contains(rule.signal)) signals.add(rule.signal);
          continue;
        }
        List<Span> spans = new ArrayList<>();
        if (rule.hasText)
          for (int f = 0; f < foundCount && spans.size() < MOST_SPANS; f++) {
            int term = found[f];
            if (!uses(term, i)) continue;
            for (int k = 0; k < rangeCount[term] && spans.size() < MOST_SPANS; k++)
              spans.add(new Span(ranges[term][k * 2], ranges[term][k * 2 + 1]));
          }
        ruleHits.add(new RuleHit(rule.id, rule.item, rule.category, (float) score, rule.live ? RuleMode.LIVE : RuleMode.SHADOW, spans));
        if (!rule.live) continue;
        if (rule.asksModel) modelDoubt.merge(rule.category, 1 - score, Math::min);
        else categoryDoubt.merge(rule.category, 1 - score, (a, b) -> a * b);
      }
      EnumSet<Category> modelAlone = EnumSet.noneOf(Category.class);
      modelDoubt.forEach((category, left) -> {
        if (!categoryDoubt.containsKey(category)) modelAlone.add(category);
        categoryDoubt.merge(category, left, Math::min);
      });
      List<CategoryScore> scores = new ArrayList<>(categoryDoubt.size());
      Category category = Category.benign;
      double best = 0, most = 0;
      for (Map.Entry<Category, Double> entry : categoryDoubt.entrySet()) {
        double score = 1 - entry.getValue();
        scores.add(new CategoryScore(entry.getKey(), (float) score));
        most = Math.max(most, score);
        double[] from = modelAlone.contains(entry.getKey()) ? modelAloneThresholds : thresholds;
        if (score >= from[entry.getKey().ordinal()] && score > best) {
          best = score;
          category = entry.getKey();
        }
      }
      String folding = "";
      for (TextForm form : event.forms) if (form.form == FormKind.FOLDED) folding = form.text;
      List<MediaType> types = new ArrayList<>(event.media.size());
      for (Media media : event.media) types.add(media.type);
      return new ClassifiedEvent(event.eventId, event.kind, event.occurredAt, event.feedPartition, event.feedOffset,
          event.feedAppendedAt, event.actorId, event.actorAgeBand, event.protectedId, event.subjectId, event.contentId,
          event.conversationId, event.section, event.device, category, (float) (category == Category.benign ? most : best), scores,
          ruleHits, signals, event.text.length(), types, data.version, model.version, event.usage, fingerprint(folding),
          new ArrayList<>(0), tones(folding));
    }

    private boolean metadataHolds(JsonNode when, NormalizedEvent event) {
      if (when.has("usage") && (event.usage == null
          || event.usage.sessionSeconds < when.get("usage").get("sessionSeconds").asInt())) return false;
      if (when.has("devices") && !contains(when.get("devices"), event.device.name())) return false;
      if (when.has("actorAgeBands") && !contains(when.get("actorAgeBands"), event.actorAgeBand.name())) return false;
      if (when.has("qrCode")) {
        boolean any = false;
        for (Media media : event.media) any |= media.hasQrCode;
        if (!any) return false;
      }
      if (when.has("mediaLabels")) {
        JsonNode asked = when.get("mediaLabels");
        boolean any = false;
        for (Media media : event.media)
          for (MediaLabel label : media.labels)
            any |= label.score >= asked.get("atLeast").asDouble() && contains(asked.get("anyOf"), label.label);
        if (!any) return false;
      }
      if (when.has("links")) {
        if (event.links.isEmpty()) return false;
        if (when.get("links").isArray()) {
          boolean any = false;
          for (String link : event.links) for (JsonNode host : when.get("links")) any |= leadsTo(link, host.asText());
          if (!any) return false;
        }
      }
      return true;
    }

    private boolean contains(JsonNode list, String value) {
      for (JsonNode each : list) if (each.asText().equals(value)) return true;
      return false;
    }

    private boolean leadsTo(String link, String host) {
      int at = link.indexOf("://");
      String authority = (at < 0 ? link : link.substring(at + 3)).split("[/?#:]", 2)[0].toLowerCase();
      return authority.equals(host) || authority.endsWith("." + host);
    }

    private Tones tones(String text) {
      if (text.isEmpty()) return new Tones(0f, 0f, 0f);
      int n = Math.min(text.length(), 500), count = 0;
      for (int i = 0; i < n; i++) {
        int hash = 0x811c9dc5;
        for (int k = 0; k < 3 && i + k < n; k++) {
          hash = (hash ^ text.charAt(i + k)) * 0x01000193;
          int mixed = (hash ^ (hash >>> 16)) * 0x85ebca6b + k;
          mixed ^= mixed >>> 13;
          int gram = mixed & 0x1ffff;
          if ((seenGrams[gram >> 6] & (1L << gram)) != 0) continue;
          seenGrams[gram >> 6] |= 1L << gram;
          grams[count++] = gram;
        }
      }
      int[] sums = new int[3], counts = {count, 0, count};
      for (int g = 0; g < count; g++) {
        seenGrams[grams[g] >> 6] = 0;
        for (int tone = 0; tone < 3; tone++) sums[tone] += toneWeights[tone][grams[g] & (toneWeights[tone].length - 1)];
        if (toneWeights[RECRUITING][grams[g]] != 0) counts[RECRUITING]++;
      }
      float[] out = new float[3];
      for (int tone = 0; tone < 3; tone++)
        out[tone] = (float) Math.max(-6, Math.min(6, toneBiases[tone] + toneScales[tone] * sums[tone] / Math.sqrt(Math.max(LEAST_GRAMS[tone], counts[tone]))));
      return new Tones(out[0], out[1], out[2]);
    }

    private final int[] lowPlanes = new int[16], highPlanes = new int[16];

    private Long fingerprint(String text) {
      Arrays.fill(lowPlanes, 0);
      Arrays.fill(highPlanes, 0);
      int runs = 0, count = 0, first = 0, second = 0;
      for (int i = 0; i < text.length(); i++) {
        int code = text.charAt(i);
        if (code < 0x80) {
          if (Data.isDigit(code)) code = '0';
          else if (!Data.isLatin(code)) continue;
        } else if (code < 0x3400 || (code >= 0xd800 && code <= 0xf8ff)) continue;
        if (code == '0' && second == '0') continue;
        count++;
        if (count >= 2) {
          countBits(((second ^ 0x5f356495) * 0x01000193) ^ code);
          runs++;
        }
        if (count >= 3) {
          countBits((((first * 0x01000193) ^ second) * 0x01000193) ^ code);
          runs++;
        }
        first = second;
        second = code;
      }
      if (count < 8) return null;
      return (majority(highPlanes, 20, runs) << 32) | majority(lowPlanes, 32, runs);
    }

    private void countBits(int run) {
      int carry = Model.mixed(run), high = Model.mixed(carry ^ 0x297a2d39);
      for (int plane = 0; carry != 0; plane++) {
        int next = lowPlanes[plane] & carry;
        lowPlanes[plane] ^= carry;
        carry = next;
      }
      for (int plane = 0; high != 0; plane++) {
        int next = highPlanes[plane] & high;
        highPlanes[plane] ^= high;
        high = next;
      }
    }

    private long majority(int[] planes, int bits, int runs) {
      int used = 32 - Integer.numberOfLeadingZeros(runs);
      long word = 0;
      for (int bit = 0; bit < bits; bit++) {
        int votes = 0;
        for (int plane = 0; plane < used; plane++) votes |= ((planes[plane] >>> bit) & 1) << plane;
        if (2 * votes > runs) word |= 1L << bit;
      }
      return word;
    }
  }
}

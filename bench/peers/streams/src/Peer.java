import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;
import wardline.AccountAction;
import wardline.AccountProfile;
import wardline.AgeBand;
import wardline.AssessedEvent;
import wardline.Category;
import wardline.CategoryScore;
import wardline.ClassifiedEvent;
import wardline.DecisionType;
import wardline.EnforcementDecision;
import wardline.EventKind;
import wardline.FeedEvent;
import wardline.Media;
import wardline.MediaLabel;
import wardline.NormalizedEvent;
import wardline.RiskFinding;
import wardline.RuleHit;
import wardline.RuleMode;
import wardline.Verdict;
import wardline.YouthPool;

/**
 * The chain as a team would write it with Kafka Streams: four sub-topologies over the same topics, keys and schemas,
 * exactly_once_v2. What it leaves out is in README.md. Arguments: bootstrap servers, registry, data file, model file,
 * state folder, threads, kind of stores (memory or rocksdb), commit interval in ms.
 */
public final class Peer {
  private static final long DUPLICATE_WINDOW_MS = 15 * 60_000L, DAY = 86_400_000L;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String registry;
  private final Data data;
  private final Classifier classifier;
  private final boolean inMemory;

  private Peer(String registry, Data data, Classifier classifier, boolean inMemory) {
    this.registry = registry;
    this.data = data;
    this.classifier = classifier;
    this.inMemory = inMemory;
  }

  public static void main(String[] args) throws Exception {
    Data data = new Data(args[2]);
    Classifier classifier = new Classifier(data, new Model(args[3]));
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, "wardline-peer");
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[4]);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, args[5]);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args[7]);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 * 1024 * 1024L);
    config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    // Larger than the defaults, as one does for throughput.
    config.put(StreamsConfig.producerPrefix("batch.size"), 131_072);
    config.put(StreamsConfig.consumerPrefix("max.poll.records"), 2_000);
    config.put(StreamsConfig.producerPrefix("max.request.size"), 4 * 1024 * 1024);
    Peer peer = new Peer(args[1], data, classifier, args[6].equals("memory"));
    KafkaStreams streams = new KafkaStreams(peer.topology(), config);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) System.out.println("RUNNING");
      if (now == KafkaStreams.State.ERROR) System.exit(1);
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
    streams.start();
  }

  private Topology topology() {
    var bytes = Serdes.ByteArray();
    var in = bytes.deserializer();
    var out = bytes.serializer();
    return new Topology()
        .addSource("feed", in, in, "feed.events")
        .addProcessor("normalize", Normalize::new, "feed")
        .addStateStore(seenStore(), "normalize")
        .addSink("normalized", "events.normalized", out, out, "normalize")
        .addSink("normalize-dlq", "normalize.dlq", out, out, "normalize")
        .addSource("normalized-in", in, in, "events.normalized")
        .addProcessor("classify", Classify::new, "normalized-in")
        .addSink("classified", "events.classified", out, out, "classify")
        .addSource("classified-in", in, in, "events.classified")
        .addSource("profiles-in", in, in, "accounts.profiles")
        .addProcessor("assess", Assess::new, "classified-in")
        .addProcessor("profile", Profile::new, "profiles-in")
        .addStateStore(store("profiles", bytes), "assess", "profile")
        .addStateStore(store("pairs", bytes), "assess")
        .addStateStore(store("accounts", bytes), "assess")
        .addStateStore(store("spreads", bytes), "assess")
        .addSink("assessed", "events.assessed", out, out, "assess")
        .addSource("assessed-in", in, in, "events.assessed")
        .addProcessor("enforce", Enforce::new, "assessed-in")
        .addStateStore(store("actors", bytes), "enforce")
        .addStateStore(store("answers", bytes), "enforce")
        .addStateStore(store("breakers", bytes), "enforce")
        .addSink("decisions", "enforcement.decisions", out, out, "enforce");
  }

  private StoreBuilder<WindowStore<String, byte[]>> seenStore() {
    Duration window = Duration.ofMillis(DUPLICATE_WINDOW_MS);
    var supplier = inMemory
        ? Stores.inMemoryWindowStore("seen", window, Duration.ofMinutes(1), false)
        : Stores.persistentWindowStore("seen", window, Duration.ofMinutes(1), false);
    return Stores.windowStoreBuilder(supplier, Serdes.String(), Serdes.ByteArray());
  }

  private StoreBuilder<KeyValueStore<String, byte[]>> store(String name, Serde<byte[]> values) {
    KeyValueBytesStoreSupplier supplier = inMemory ? Stores.inMemoryKeyValueStore(name) : Stores.persistentKeyValueStore(name);
    // Cached: what one key is written several times between two commits goes to the changelog once, as in Wardline.
    return Stores.keyValueStoreBuilder(supplier, Serdes.String(), values).withCachingEnabled();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static RuntimeException failed(Exception e) {
    return new IllegalStateException(e);
  }

  private abstract static class Stage implements Processor<byte[], byte[], byte[], byte[]> {
    ProcessorContext<byte[], byte[]> context;

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
      try {
        open();
      } catch (IOException e) {
        throw failed(e);
      }
    }

    abstract void open() throws IOException;
  }

  private static final byte[] EMPTY = new byte[0];

  private final class Normalize extends Stage {
    private final Forms forms = new Forms(data);
    private final Wire.Reader<FeedEvent> reader = new Wire.Reader<>(registry, FeedEvent.getClassSchema());
    private Wire.Writer<NormalizedEvent> writer;
    private WindowStore<String, byte[]> seen;

    @Override
    void open() throws IOException {
      writer = new Wire.Writer<>(Wire.idOf(registry, "events.normalized"), NormalizedEvent.getClassSchema());
      seen = context.getStateStore("seen");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      RecordMetadata at = context.recordMetadata().orElseThrow();
      long appendedAt = record.timestamp();
      FeedEvent event;
      try {
        event = reader.read(record.value());
      } catch (IOException | RuntimeException e) {
        context.forward(record, "normalize-dlq");
        return;
      }
      try (var known = seen.fetch(event.eventId, appendedAt - DUPLICATE_WINDOW_MS, appendedAt + 1)) {
        if (known.hasNext()) return;
      }
      if (refused(event, record.value().length, appendedAt)) {
        context.forward(record, "normalize-dlq");
        return;
      }
      NormalizedEvent normalized = new NormalizedEvent(event.eventId, event.kind, event.occurredAt, at.partition(), at.offset(),
          appendedAt, event.actorId, event.actorAgeBand, protectedAccount(event), event.subjectId,
          event.contentId == null ? event.eventId : event.contentId, event.conversationId,
          event.section == null ? event.kind.name().toLowerCase() : event.section, event.device, event.text,
          forms.make(event.text), event.media, event.links, event.mentions, event.searchQuery, event.usage, event.promotion);
      seen.put(event.eventId, EMPTY, appendedAt);
      try {
        context.forward(new Record<>(utf8(normalized.protectedId), writer.write(normalized), record.timestamp()), "normalized");
      } catch (IOException e) {
        throw failed(e);
      }
    }

    private boolean refused(FeedEvent event, int size, long appendedAt) {
      if (size > 524_288 || event.kind == EventKind.UNKNOWN) return true;
      if (event.occurredAt < appendedAt - 7 * DAY || event.occurredAt > appendedAt + 600_000) return true;
      if (bad(event.eventId) || bad(event.actorId)) return true;
      for (String id : new String[] {event.subjectId, event.contentId, event.parentId, event.conversationId, event.section})
        if (id != null && bad(id)) return true;
      if (event.media.size() > 9 || event.text.length() > 100_000 || event.links.size() > 32 || event.mentions.size() > 64) return true;
      if (event.searchQuery != null && event.searchQuery.length() > 1_000) return true;
      for (String link : event.links) if (link.length() > 2_048) return true;
      for (Media media : event.media) {
        if (media.recognizedText != null && media.recognizedText.length() > 10_000) return true;
        for (MediaLabel label : media.labels) if (!(label.score >= 0 && label.score <= 1)) return true;
      }
      if (event.kind == EventKind.USAGE && (event.usage == null || event.usage.sessionSeconds < 0
          || event.usage.sessionSeconds > 86_400)) return true;
      return event.kind == EventKind.PROMOTION && event.promotion == null;
    }

    private boolean bad(String id) {
      return id.isEmpty() || id.length() > 128;
    }

    private String protectedAccount(FeedEvent event) {
      if (event.subjectId == null) return event.actorId;
      boolean answers = event.subjectAgeBand == AgeBand.ADULT && event.actorAgeBand != AgeBand.ADULT
          && event.actorAgeBand != AgeBand.UNKNOWN;
      return answers && CONVERSATION.contains(event.kind) ? event.actorId : event.subjectId;
    }
  }

  private static final Set<EventKind> CONVERSATION = Set.of(EventKind.COMMENT, EventKind.PRIVATE_MESSAGE, EventKind.GROUP_MESSAGE);

  private final class Classify extends Stage {
    private final Classifier.Worker worker = classifier.new Worker(new Forms(data));
    private final Wire.Reader<NormalizedEvent> reader = new Wire.Reader<>(registry, NormalizedEvent.getClassSchema());
    private Wire.Writer<ClassifiedEvent> writer;

    @Override
    void open() throws IOException {
      writer = new Wire.Writer<>(Wire.idOf(registry, "events.classified"), ClassifiedEvent.getClassSchema());
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        ClassifiedEvent event = worker.classify(reader.read(record.value()));
        context.forward(new Record<>(utf8(event.protectedId), writer.write(event), record.timestamp()));
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  private final class Profile extends Stage {
    private KeyValueStore<String, byte[]> profiles;

    @Override
    void open() {
      profiles = context.getStateStore("profiles");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      String account = new String(record.key(), StandardCharsets.UTF_8);
      if (record.value() == null) profiles.delete(account);
      else profiles.put(account, record.value());
    }
  }

  /** State of a pair and of an account is a few decayed counts in fixed places: less than Wardline keeps and computes. */
  private final class Assess extends Stage {
    private final Wire.Reader<ClassifiedEvent> reader = new Wire.Reader<>(registry, ClassifiedEvent.getClassSchema());
    private final Wire.Reader<AccountProfile> profileReader = new Wire.Reader<>(registry, AccountProfile.getClassSchema());
    private Wire.Writer<AssessedEvent> writer;
    private KeyValueStore<String, byte[]> profiles, pairs, accounts, spreads;

    @Override
    void open() throws IOException {
      writer = new Wire.Writer<>(Wire.idOf(registry, "events.assessed"), AssessedEvent.getClassSchema());
      profiles = context.getStateStore("profiles");
      pairs = context.getStateStore("pairs");
      accounts = context.getStateStore("accounts");
      spreads = context.getStateStore("spreads");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        ClassifiedEvent event = reader.read(record.value());
        byte[] stored = profiles.get(event.protectedId);
        AccountProfile profile = stored == null ? null : profileReader.read(stored);
        AgeBand band = profile != null && profile.ageBand != AgeBand.UNKNOWN ? profile.ageBand
            : event.protectedId.equals(event.actorId) ? event.actorAgeBand : AgeBand.UNKNOWN;
        boolean minor = band != AgeBand.UNKNOWN && band != AgeBand.ADULT;
        boolean addressed = !event.protectedId.equals(event.actorId) && CONVERSATION.contains(event.kind);
        List<RiskFinding> findings = new ArrayList<>(0);
        if (minor && addressed) {
          double approach = pair(event.protectedId + "|" + event.actorId, event, event.tones.approach);
          if (approach > 3) findings.add(new RiskFinding("staged_approach", "3.3", Category.grooming, (float) Math.min(0.95, approach / 10)));
          if (event.fingerprint != null && (event.category != Category.benign || !event.signals.isEmpty()))
            spread(Long.toHexString(event.fingerprint), event);
        } else if (minor && CONVERSATION.contains(event.kind) && event.subjectId != null && !event.subjectId.equals(event.protectedId)) {
          pair(event.protectedId + "|" + event.subjectId, event, 0);
        }
        if (event.kind == EventKind.USAGE ? profile != null && profile.youthMode : addressed && event.tones.hostile > 0)
          account(event.protectedId, event);
        Category category = event.category;
        float risk = event.score;
        for (RiskFinding finding : findings)
          if (finding.score >= 0.5f && finding.score > risk) {
            category = finding.category;
            risk = finding.score;
          }
        AssessedEvent assessed = new AssessedEvent(event.eventId, event.kind, event.occurredAt, event.feedPartition, event.feedOffset,
            event.feedAppendedAt, event.actorId, event.actorAgeBand, event.protectedId, event.subjectId, event.contentId,
            event.conversationId, event.section, event.device, event.category, event.score, event.scores, event.ruleHits, event.signals,
            event.textLength, event.mediaTypes, event.policyVersion, event.modelVersion, band, minor,
            profile != null && profile.youthMode, new ArrayList<>(0), category, risk, findings, null, event.fingerprint,
            event.contactHashes, new ArrayList<>(0), new ArrayList<>(0));
        context.forward(new Record<>(utf8(event.actorId), writer.write(assessed), record.timestamp()));
      } catch (IOException e) {
        throw failed(e);
      }
    }

    /** 56 bytes: when first and last, seven decayed counts. Wardline's take 61 on average. */
    private double pair(String key, ClassifiedEvent event, double tone) {
      byte[] known = pairs.get(key);
      ByteBuffer buffer = known == null ? ByteBuffer.allocate(56).putLong(0, event.occurredAt) : ByteBuffer.wrap(known.clone());
      long last = buffer.getLong(8);
      double left = last == 0 ? 0 : Math.pow(2, -Math.max(0, event.occurredAt - last) / (14.0 * DAY));
      buffer.putLong(8, event.occurredAt);
      for (int i = 0; i < 4; i++) buffer.putFloat(16 + 4 * i, (float) (buffer.getFloat(16 + 4 * i) * left + 1));
      double approach = buffer.getFloat(32) * left + Math.max(0, tone);
      buffer.putFloat(32, (float) approach);
      buffer.putFloat(36, (float) (buffer.getFloat(36) * left + event.score));
      pairs.put(key, buffer.array());
      return approach;
    }

    /** 128 bytes: a ring of the last actors, and seconds of today. Wardline's take 135 on average. */
    private void account(String id, ClassifiedEvent event) {
      byte[] known = accounts.get(id);
      ByteBuffer buffer = known == null ? ByteBuffer.allocate(128) : ByteBuffer.wrap(known.clone());
      int next = buffer.getInt(0);
      buffer.putInt(0, (next + 1) % 14);
      buffer.putInt(8 + 8 * next, event.actorId.hashCode());
      buffer.putInt(12 + 8 * next, (int) (event.occurredAt / 1000));
      if (event.usage != null) buffer.putInt(4, buffer.getInt(4) + event.usage.sessionSeconds);
      accounts.put(id, buffer.array());
    }

    private void spread(String key, ClassifiedEvent event) {
      byte[] known = spreads.get(key);
      ByteBuffer buffer = known == null ? ByteBuffer.allocate(60) : ByteBuffer.wrap(known.clone());
      int next = buffer.getInt(0);
      buffer.putInt(0, (next + 1) % 7);
      buffer.putInt(4 + 8 * next, event.protectedId.hashCode());
      buffer.putInt(8 + 8 * next, (int) (event.occurredAt / 1000));
      spreads.put(key, buffer.array());
    }
  }

  private final class Enforce extends Stage {
    private final Wire.Reader<AssessedEvent> reader = new Wire.Reader<>(registry, AssessedEvent.getClassSchema());
    private Wire.Writer<EnforcementDecision> writer;
    private KeyValueStore<String, byte[]> actors, answers, breakers;
    private final JsonNode policy = data.root.get("enforcement");
    private MessageDigest sha;

    @Override
    void open() throws IOException {
      writer = new Wire.Writer<>(Wire.idOf(registry, "enforcement.decisions"), EnforcementDecision.getClassSchema());
      actors = context.getStateStore("actors");
      answers = context.getStateStore("answers");
      breakers = context.getStateStore("breakers");
      try {
        sha = MessageDigest.getInstance("SHA-256");
      } catch (java.security.NoSuchAlgorithmException e) {
        throw new IOException(e);
      }
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        AssessedEvent event = reader.read(record.value());
        String id = HexFormat.of().formatHex(sha.digest(utf8("DECISION|" + event.eventId + "|"))).substring(0, 32);
        JsonNode category = policy.get("categories").get(event.riskCategory.name());
        JsonNode bands = category.get("bands").get(event.youthMode ? "youthMode" : event.protectedIsMinor ? "minor" : "everyone");
        Verdict verdict = Verdict.ALLOW;
        int points = 0;
        if (event.kind != EventKind.USAGE)
          for (JsonNode band : bands) {
            if (event.risk < band.get("from").asDouble()) continue;
            verdict = Verdict.valueOf(band.get("verdict").asText());
            points = band.get("points").asInt();
            break;
          }
        List<String> ruleIds = new ArrayList<>(), shadow = new ArrayList<>(), items = new ArrayList<>();
        for (RuleHit hit : event.ruleHits) {
          if (hit.mode != RuleMode.LIVE) shadow.add(hit.ruleId);
          else if (hit.category == event.riskCategory) {
            ruleIds.add(hit.ruleId);
            if (!items.contains(hit.item)) items.add(hit.item);
          }
        }
        for (RiskFinding finding : event.findings) if (finding.category == event.riskCategory) ruleIds.add(finding.code);
        byte[] known = actors.get(event.actorId);
        count("events/" + event.feedAppendedAt / 3_600_000);
        AccountAction action = AccountAction.NONE;
        Long seconds = null;
        int strikes = 0;
        if (points > 0) {
          ObjectNode actor = known == null ? JSON.createObjectNode() : (ObjectNode) JSON.readTree(known);
          ArrayNode list = actor.withArray("strikes");
          while (list.size() >= 64) list.remove(0);
          list.addObject().put("area", category.get("area").asText()).put("points", points).put("at", event.occurredAt).put("decisionId", id);
          int sum = 0;
          for (JsonNode strike : list)
            if (strike.get("area").equals(category.get("area"))) {
              sum += strike.get("points").asInt();
              strikes++;
            }
          for (JsonNode area : policy.get("areas"))
            if (area.get("name").equals(category.get("area")))
              for (JsonNode step : area.get("steps"))
                if (step.get("points").asInt() <= sum) {
                  action = AccountAction.valueOf(step.get("action").asText());
                  seconds = step.get("seconds").isNull() ? null : step.get("seconds").asLong();
                }
          actors.put(event.actorId, JSON.writeValueAsBytes(actor));
        }
        List<String> reasons = new ArrayList<>();
        int node = event.protectedIsMinor ? Math.max(0, event.protectedAgeBand.ordinal() - 1) : 4;
        if (event.risk >= category.get("youthFrom").get(Math.min(4, node)).asDouble()) reasons.add("category:" + event.riskCategory);
        for (CategoryScore score : event.scores)
          if (score.category != event.riskCategory
              && score.score >= policy.get("categories").get(score.category.name()).get("youthFrom").get(Math.min(4, node)).asDouble())
            reasons.add("category:" + score.category);
        if (verdict != Verdict.ALLOW) reasons.add("verdict");
        List<String> review = new ArrayList<>(1);
        if (verdict == Verdict.HOLD_FOR_REVIEW) review.add("hold");
        else if (verdict == Verdict.ALLOW && Integer.parseInt(id.substring(0, 4), 16) < 655) review.add("sample");
        if (verdict != Verdict.ALLOW || !review.isEmpty()) {
          count("verdict/" + verdict);
          ObjectNode answer = JSON.createObjectNode();
          answer.put("eventId", event.eventId).put("decisionId", id).put("actorId", event.actorId).put("protectedId", event.protectedId)
              .put("kind", event.kind.name()).put("occurredAt", event.occurredAt).put("feedPartition", event.feedPartition)
              .put("feedOffset", event.feedOffset).put("feedAppendedAt", event.feedAppendedAt).put("contentId", event.contentId)
              .put("section", event.section).put("verdict", verdict.name()).put("action", action.name())
              .put("category", event.riskCategory.name()).put("risk", event.risk).put("points", points);
          for (String rule : ruleIds) answer.withArray("ruleIds").add(rule);
          for (String item : items) answer.withArray("items").add(item);
          answers.put(event.eventId, JSON.writeValueAsBytes(answer));
        }
        EnforcementDecision decision = new EnforcementDecision(id, DecisionType.DECISION, event.eventId, event.kind, event.occurredAt,
            event.feedPartition, event.feedOffset, event.feedAppendedAt, System.currentTimeMillis(), event.actorId, event.protectedId,
            event.contentId, event.section, verdict, action, seconds, new ArrayList<>(0),
            new YouthPool(reasons.isEmpty(), reasons, reasons.isEmpty() ? 0 : null), event.riskCategory, event.risk, ruleIds, shadow,
            items, strikes, null, null, null, event.policyVersion, event.modelVersion, policy.get("version").asText(), null,
            AccountAction.NONE, review);
        context.forward(new Record<>(utf8(event.actorId), writer.write(decision), record.timestamp()));
      } catch (IOException e) {
        throw failed(e);
      }
    }

    private void count(String key) {
      byte[] known = breakers.get(key);
      ByteBuffer buffer = known == null ? ByteBuffer.allocate(8) : ByteBuffer.wrap(known.clone());
      buffer.putLong(0, buffer.getLong(0) + 1);
      breakers.put(key, buffer.array());
    }
  }
}

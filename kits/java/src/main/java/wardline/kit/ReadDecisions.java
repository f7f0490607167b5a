package wardline.kit;

import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** An enforcement system: prints what it would do for each decision, a tab between the parts. Ends after as many as the first argument says. */
public final class ReadDecisions {
  private ReadDecisions() {}

  public static void main(String[] arguments) throws Exception {
    int limit = arguments.length > 0 ? Integer.parseInt(arguments[0]) : Integer.MAX_VALUE;
    Properties settings = Settings.connection();
    settings.put("key.deserializer", StringDeserializer.class.getName());
    settings.put("value.deserializer", AvroKafkaDeserializer.class.getName());
    settings.put("group.id", "enforcement.java-kit");
    settings.put("auto.offset.reset", "earliest");
    // What an aborted transaction wrote is no decision.
    settings.put("isolation.level", "read_committed");
    // Committed below, when it is done.
    settings.put("enable.auto.commit", "false");

    // In a database of your own: insert decisionId under a unique key in the transaction that does the work, and do
    // nothing where it is there already. That makes of at-least-once exactly once.
    Set<String> done = new HashSet<>();
    try (KafkaConsumer<String, GenericRecord> consumer = new KafkaConsumer<>(settings)) {
      consumer.subscribe(List.of("enforcement.decisions"));
      while (done.size() < limit) {
        for (ConsumerRecord<String, GenericRecord> record : consumer.poll(Duration.ofMillis(500))) {
          GenericRecord decision = record.value();
          if (!done.add(decision.get("decisionId").toString())) continue;
          apply(decision);
        }
        consumer.commitSync();
      }
    }
  }

  private static void apply(GenericRecord decision) {
    String type = decision.get("type").toString();
    switch (type) {
      case "DECISION", "FOLLOW_UP" -> print(type, decision, decision.get("accountAction"));
      // The content goes back to the verdict, the account is freed of the lifted action.
      case "REVERSAL" -> print(type, decision, decision.get("liftedAction"));
      // A newer Wardline: keep it for a human.
      default -> print("UNKNOWN", decision, "NONE");
    }
  }

  private static void print(String type, GenericRecord decision, Object action) {
    System.out.println(
        String.join(
            "\t",
            type,
            decision.get("eventId").toString(),
            verdictInForce(decision.get("verdict").toString()),
            action.toString(),
            decision.get("category").toString()));
  }

  /** A verdict that this program does not know is held for review until it does. */
  private static String verdictInForce(String verdict) {
    return switch (verdict) {
      case "ALLOW", "ALLOW_NOT_YOUTH", "LIMIT_REACH", "HIDE", "REMOVE", "HOLD_FOR_REVIEW", "HOLD_SECTION_SUSPENDED" -> verdict;
      default -> "HOLD_FOR_REVIEW";
    };
  }
}

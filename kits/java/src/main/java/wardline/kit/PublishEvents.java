package wardline.kit;

import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

/** A feed producer: an account's profile, then events of it and about it. Prints the id of each event. */
public final class PublishEvents {
  private PublishEvents() {}

  public static void main(String[] arguments) throws Exception {
    Properties settings = Settings.connection();
    settings.put("key.serializer", StringSerializer.class.getName());
    settings.put("value.serializer", AvroKafkaSerializer.class.getName());
    // Nothing is lost, and a retry of the client's writes nothing twice.
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("delivery.timeout.ms", "120000");
    // A full buffer throws at once instead of holding the caller up: count it, or wait where you may.
    settings.put("max.block.ms", "0");
    settings.put("linger.ms", "5");
    // Schemas are registered by Wardline's operators. Ours is looked up by its content; if it is not there, this fails.
    settings.put("apicurio.registry.auto-register", "false");
    settings.put("apicurio.registry.find-latest", "false");
    settings.put("apicurio.registry.canonicalize", "true");
    settings.put("apicurio.registry.dereference-schema", "true");

    Schema eventSchema = Settings.schema("FeedEvent");
    Schema profileSchema = Settings.schema("AccountProfile");
    long now = System.currentTimeMillis();

    try (KafkaProducer<String, GenericRecord> producer = new KafkaProducer<>(settings)) {
      // With max.block.ms=0 the first send would find no metadata yet.
      awaitMetadata(producer, "feed.events", "accounts.profiles");
      GenericRecord profile =
          new GenericRecordBuilder(profileSchema)
              .set("accountId", "java-child")
              .set("ageBand", symbol(profileSchema, "ageBand", "AGE_8_TO_11"))
              .set("youthMode", true)
              .set("updatedAt", now)
              .build();
      producer.send(new ProducerRecord<>("accounts.profiles", "java-child", profile)).get();

      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (String text : List.of("这道题怎么做？", "时时彩计划群，稳赚不赔")) {
        String eventId = UUID.randomUUID().toString();
        GenericRecord event =
            new GenericRecordBuilder(eventSchema)
                .set("eventId", eventId)
                .set("kind", symbol(eventSchema, "kind", "COMMENT"))
                .set("occurredAt", now)
                .set("actorId", "java-actor")
                .set("actorAgeBand", symbol(eventSchema, "actorAgeBand", "ADULT"))
                .set("subjectId", "java-child")
                .set("subjectAgeBand", symbol(eventSchema, "subjectAgeBand", "AGE_8_TO_11"))
                .set("text", text)
                .build();
        // The key is the actor, and stays the same for a retry of the same event.
        sent.add(producer.send(new ProducerRecord<>("feed.events", "java-actor", event)));
        System.out.println(eventId);
      }
      for (Future<RecordMetadata> future : sent) future.get();
    }
  }

  private static GenericData.EnumSymbol symbol(Schema record, String field, String name) {
    return new GenericData.EnumSymbol(record.getField(field).schema(), name);
  }

  private static void awaitMetadata(KafkaProducer<?, ?> producer, String... topics) throws InterruptedException {
    for (String topic : topics) {
      for (int attempt = 0; ; attempt++) {
        try {
          producer.partitionsFor(topic);
          break;
        } catch (org.apache.kafka.common.errors.TimeoutException notYet) {
          if (attempt == 300) throw notYet;
          Thread.sleep(100);
        }
      }
    }
  }
}

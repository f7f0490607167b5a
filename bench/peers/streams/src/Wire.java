import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecordBase;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Confluent framing with Avro's specific readers and writers, one a record, thread and direction; schemas come from the registry once. */
final class Wire {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private static String get(String url) throws IOException {
    try {
      HttpResponse<String> answer = HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) throw new IOException(url + " answered " + answer.statusCode());
      return answer.body();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** Id of the newest schema of a topic's values. */
  static int idOf(String registry, String topic) throws IOException {
    return JSON.readTree(get(registry + "/subjects/" + topic + "-value/versions/latest")).get("id").asInt();
  }

  static final class Reader<T extends SpecificRecordBase> {
    private final String registry;
    private final Schema schema;
    private final Map<Integer, SpecificDatumReader<T>> readers = new HashMap<>();
    private BinaryDecoder decoder;

    Reader(String registry, Schema schema) {
      this.registry = registry;
      this.schema = schema;
    }

    T read(byte[] bytes) throws IOException {
      if (bytes == null || bytes.length < 5 || bytes[0] != 0) throw new IOException("no framed record");
      int id = (bytes[1] & 0xff) << 24 | (bytes[2] & 0xff) << 16 | (bytes[3] & 0xff) << 8 | (bytes[4] & 0xff);
      SpecificDatumReader<T> reader = readers.get(id);
      if (reader == null) {
        Schema writer = new Schema.Parser().parse(JSON.readTree(get(registry + "/schemas/ids/" + id)).get("schema").asText()
            .replaceAll(",\\s*\"logicalType\"\\s*:\\s*\"timestamp-millis\"", ""));
        // The same but for documentation: then no resolution is needed, and the generated coders read by themselves.
        boolean same = org.apache.avro.SchemaNormalization.toParsingForm(writer)
            .equals(org.apache.avro.SchemaNormalization.toParsingForm(schema));
        reader = new SpecificDatumReader<>(same ? schema : writer, schema);
        readers.put(id, reader);
      }
      decoder = DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, decoder);
      return reader.read(null, decoder);
    }
  }

  static final class Writer<T extends SpecificRecordBase> {
    private final int id;
    private final SpecificDatumWriter<T> writer;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(1024);
    private BinaryEncoder encoder;

    Writer(int id, Schema schema) {
      this.id = id;
      this.writer = new SpecificDatumWriter<>(schema);
    }

    byte[] write(T value) throws IOException {
      out.reset();
      out.write(0);
      out.write(id >>> 24);
      out.write(id >>> 16);
      out.write(id >>> 8);
      out.write(id);
      encoder = EncoderFactory.get().directBinaryEncoder(out, encoder);
      writer.write(value, encoder);
      encoder.flush();
      return out.toByteArray();
    }
  }
}

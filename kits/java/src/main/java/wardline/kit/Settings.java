package wardline.kit;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.avro.Schema;

/** How to reach the broker and the registry: the same variables that Wardline's services read. */
final class Settings {
  private Settings() {}

  /** Of producers and consumers alike. Logins and TLS come from the properties file that WARDLINE_JAVA_PROPERTIES names. */
  static Properties connection() throws IOException {
    Properties properties = new Properties();
    String file = System.getenv("WARDLINE_JAVA_PROPERTIES");
    if (file != null) {
      try (Reader reader = Files.newBufferedReader(Path.of(file))) {
        properties.load(reader);
      }
    }
    properties.put("bootstrap.servers", required("WARDLINE_BROKERS"));
    // Apicurio's own interface, beside the Confluent-compatible one that Wardline uses.
    properties.put(
        "apicurio.registry.url", required("WARDLINE_REGISTRY_URL").replaceFirst("/apis/ccompat/v7/?$", "/apis/registry/v3"));
    // The id that the Confluent-compatible interface gives, in four bytes after a zero byte.
    properties.put("apicurio.registry.use-id", "contentId");
    properties.put("apicurio.registry.id-handler", "io.apicurio.registry.serde.Default4ByteIdHandler");
    return properties;
  }

  /** A schema of the folder that WARDLINE_SCHEMAS names: schemas/ of the version of Wardline that is in use. */
  static Schema schema(String record) throws IOException {
    return new Schema.Parser().parse(Path.of(required("WARDLINE_SCHEMAS"), record + ".avsc").toFile());
  }

  private static String required(String name) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) throw new IllegalStateException(name + " is missing");
    return value;
  }
}

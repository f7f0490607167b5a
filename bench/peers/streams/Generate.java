import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.compiler.specific.SpecificCompiler;
import org.apache.avro.generic.GenericData;

/** Classes of the records in schemas/, by Avro's own compiler. Times stay longs: the wire is the same, and an Instant a field would cost the peer. */
class Generate {
  public static void main(String[] args) throws Exception {
    File out = new File(args[1]);
    for (String record : args[2].split(",")) {
      String json = Files.readString(Path.of(args[0], record + ".avsc"));
      Schema schema = new Schema.Parser().parse(json.replaceAll(",\\s*\"logicalType\"\\s*:\\s*\"timestamp-millis\"", ""));
      SpecificCompiler compiler = new SpecificCompiler(schema);
      compiler.setStringType(GenericData.StringType.String);
      compiler.setFieldVisibility(SpecificCompiler.FieldVisibility.PUBLIC);
      compiler.setCreateOptionalGetters(false);
      compiler.compileToDestination(null, out);
    }
  }
}

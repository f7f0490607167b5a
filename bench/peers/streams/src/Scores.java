import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import wardline.AgeBand;
import wardline.ClassifiedEvent;
import wardline.Device;
import wardline.EventKind;
import wardline.NormalizedEvent;
import wardline.TextForm;

/** Reads texts as JSON strings, one a line, and writes what the peer makes of each as a comment: to hold it against Wardline. */
final class Scores {
  public static void main(String[] args) throws Exception {
    Data data = new Data(args[0]);
    Model model = new Model(args[1]);
    Forms forms = new Forms(data);
    Classifier.Worker worker = new Classifier(data, model).new Worker(forms);
    Model.Scorer scorer = model.new Scorer();
    ObjectMapper json = new ObjectMapper();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String text = json.readValue(line, String.class);
      List<TextForm> made = forms.make(text);
      NormalizedEvent event = new NormalizedEvent("e", EventKind.COMMENT, 1_790_000_000_000L, 0, 0L, 0L, "a", AgeBand.UNKNOWN, "b", "b",
          "c", null, "comments", Device.PHONE, text, made, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), null, null, null);
      ClassifiedEvent classified = worker.classify(event);
      ObjectNode row = json.createObjectNode();
      row.put("folded", made.isEmpty() ? "" : made.get(0).text).put("phonetic", made.isEmpty() ? "" : made.get(1).text);
      row.put("category", classified.category.name());
      ObjectNode scores = row.putObject("scores");
      classified.scores.forEach(score -> scores.put(score.category.name(), score.score));
      ObjectNode rules = row.putObject("rules");
      classified.ruleHits.forEach(hit -> rules.put(hit.ruleId, hit.score));
      if (!made.isEmpty()) for (double score : scorer.score(made.get(0).text, made.get(1).text)) row.withArray("model").add(score);
      row.put("fingerprint", classified.fingerprint).put("approach", classified.tones.approach);
      row.put("recruiting", classified.tones.recruiting).put("hostile", classified.tones.hostile);
      out.println(json.writeValueAsString(row));
    }
    out.flush();
  }
}

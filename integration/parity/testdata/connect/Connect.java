import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.converters.ByteArrayConverter;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Values;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Says what Connect does with a record as MirrorMaker 2 makes it, and with literals.
 * Arguments: the file for the answers, then questions: "t" with a class and its
 * configuration, "l" with a literal, in parts divided by newlines. Each has a line:
 * what became of the value, or of the literal, behind "=", or "!" for an exception.
 */
public class Connect {
    public static void main(String[] args) throws Exception {
        List<String> answers = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            String[] parts = args[i].split("\n", -1);
            try {
                answers.add("=" + (parts[0].equals("l") ? literal(parts[1]) : transformed(parts)));
            } catch (Exception e) {
                answers.add("!" + e.getMessage().replace('\n', ' '));
            }
        }
        Files.writeString(Path.of(args[0]), String.join("\n", answers), StandardCharsets.UTF_8);
    }

    static String literal(String text) {
        SchemaAndValue v = Values.parseString(text);
        return v == null || v.value() == null ? "" : "\"" + Values.convertToString(v.schema(), v.value());
    }

    @SuppressWarnings("unchecked")
    static String transformed(String[] parts) throws Exception {
        Map<String, String> settings = new HashMap<>();
        for (int i = 2; i < parts.length; i++) {
            String[] pair = parts[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        Transformation<SourceRecord> t = (Transformation<SourceRecord>) Class.forName(parts[1]).getDeclaredConstructor().newInstance();
        t.configure(settings);
        byte[] value = "{\"a\": 1, \"b\": \"x\"}".getBytes(StandardCharsets.UTF_8);
        // As MirrorSourceTask.convertRecord makes it.
        SourceRecord r = t.apply(new SourceRecord(Map.of(), Map.of(), "a.t", 0, Schema.OPTIONAL_BYTES_SCHEMA, value, Schema.BYTES_SCHEMA, value, 1700000000000L, null));
        ByteArrayConverter bytes = new ByteArrayConverter();
        bytes.fromConnectData("t", r.keySchema(), r.key());
        return new String(bytes.fromConnectData("t", r.valueSchema(), r.value()), StandardCharsets.UTF_8);
    }
}

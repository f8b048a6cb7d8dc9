import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Answers what java.util.regex makes of patterns. A line of input is a pattern and
 * names, each in Base64 and separated by blanks. The answer is one line: "!" and a
 * message where the pattern is refused, else a word per name: "-" where it does not
 * match as a whole, "?" where deciding took too long, else its groups, each in
 * Base64 behind a comma, "~" for one that takes no part.
 */
public class Oracle {
    static final class Slow extends RuntimeException {}

    /** A name that can be looked at so many times only. */
    record Bounded(String text, int[] left) implements CharSequence {
        public int length() { return text.length(); }
        public char charAt(int i) {
            if (left[0]-- <= 0) throw new Slow();
            return text.charAt(i);
        }
        public CharSequence subSequence(int from, int to) { return text.substring(from, to); }
        @Override public String toString() { return text; }
    }

    static String decode(String word) {
        return new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8);
    }

    static String encode(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    static String match(Pattern pattern, String name) {
        try {
            Matcher m = pattern.matcher(new Bounded(name, new int[] {200_000}));
            if (!m.matches()) return "-";
            StringBuilder groups = new StringBuilder();
            for (int i = 0; i <= m.groupCount(); i++) {
                String group = m.group(i);
                groups.append(',').append(group == null ? "~" : encode(group));
            }
            return groups.toString();
        } catch (Slow | StackOverflowError e) {
            return "?";
        }
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ", -1);
            try {
                Pattern pattern = Pattern.compile(decode(words[0]));
                StringBuilder answer = new StringBuilder();
                for (int i = 1; i < words.length; i++) {
                    answer.append(i > 1 ? " " : "").append(match(pattern, decode(words[i])));
                }
                out.println(answer);
            } catch (PatternSyntaxException e) {
                out.println("!" + e.getDescription());
            } catch (RuntimeException | StackOverflowError e) {
                out.println("!" + e);
            }
        }
        out.flush();
    }
}

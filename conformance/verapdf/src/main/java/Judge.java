import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Judges every file of a folder by the flavour that its name begins with (such as
 * 3a-table-sealed.pdf), and, so that a judge who agrees with everything is found
 * out, each once more with a claim that it does not keep.
 */
public final class Judge {
    private final VeraPDFFoundry foundry = Foundries.defaultInstance();

    public static void main(String[] args) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        List<Path> files;
        try (Stream<Path> all = Files.list(Path.of(args[0]))) {
            files = all.filter(f -> f.toString().endsWith(".pdf")).sorted().collect(Collectors.toList());
        }
        Judge judge = new Judge();
        int wrong = 0;
        for (Path file : files) {
            String name = file.getFileName().toString();
            byte[] bytes = Files.readAllBytes(file);
            List<String> broken = judge.broken(bytes, name.substring(0, 2));
            List<String> control = judge.broken(spoilt(bytes), name.substring(0, 2));
            if (!broken.isEmpty()) {
                System.out.println("REJECTED " + name);
                broken.forEach(rule -> System.out.println("  " + rule));
                wrong++;
            } else if (control.isEmpty()) {
                System.out.println("CONTROL ACCEPTED " + name);
                wrong++;
            } else {
                System.out.println("PDF/A-" + name.substring(0, 2) + " " + name);
            }
        }
        System.out.println("veraPDF: " + (files.size() - wrong) + " of " + files.size() + " files conform");
        System.exit(wrong == 0 && !files.isEmpty() ? 0 : 1);
    }

    /** The rules that a file breaks, each with the first place. */
    private List<String> broken(byte[] bytes, String id) throws Exception {
        PDFAFlavour flavour = PDFAFlavour.byFlavourId(id);
        try (PDFAParser parser = foundry.createParser(new ByteArrayInputStream(bytes), flavour);
             PDFAValidator validator = foundry.createValidator(flavour, false)) {
            ValidationResult result = validator.validate(parser);
            List<String> rules = result.getTestAssertions().stream()
                .filter(a -> a.getStatus() == TestAssertion.Status.FAILED)
                .map(a -> a.getRuleId().getClause() + "-" + a.getRuleId().getTestNumber() + " " + a.getMessage()
                    + " (" + a.getLocation().getContext() + ")")
                .distinct().limit(20).collect(Collectors.toCollection(ArrayList::new));
            if (rules.isEmpty() && !result.isCompliant()) {
                rules.add("not compliant");
            }
            return rules;
        }
    }

    /** The file with a relationship or an output intent that does not exist. */
    private static byte[] spoilt(byte[] bytes) throws IOException {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        String spoilt = text.replace("/GTS_PDFA1", "/GTS_PDFAX").replace("/AFRelationship", "/AFRelationshiX")
            .replace("<pdfaid:part>3", "<pdfaid:part>7");
        if (Arrays.equals(spoilt.getBytes(StandardCharsets.ISO_8859_1), bytes)) {
            throw new IOException("there is nothing to spoil");
        }
        return spoilt.getBytes(StandardCharsets.ISO_8859_1);
    }
}

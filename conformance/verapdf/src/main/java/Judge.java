import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Prints for each pair of arguments, a flavour and a file, one line: PASS or
 * FAIL, the flavour, the file, and the rules that it breaks.
 */
public final class Judge {
    public static void main(String[] args) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        VeraPDFFoundry foundry = Foundries.defaultInstance();
        boolean all = true;
        for (int i = 0; i + 1 < args.length; i += 2) {
            PDFAFlavour flavour = PDFAFlavour.byFlavourId(args[i]);
            PDFAValidator validator = foundry.createValidator(flavour, false);
            try (PDFAParser parser = foundry.createParser(Files.newInputStream(Path.of(args[i + 1])), flavour)) {
                ValidationResult result = validator.validate(parser);
                all &= result.isCompliant();
                System.out.println((result.isCompliant() ? "PASS " : "FAIL ") + args[i] + " " + args[i + 1]);
                for (TestAssertion a : result.getTestAssertions()) {
                    if (a.getStatus() == TestAssertion.Status.FAILED) {
                        System.out.println("  " + a.getRuleId().getClause() + "-" + a.getRuleId().getTestNumber()
                            + " " + a.getMessage() + " at " + a.getLocation().getContext());
                    }
                }
            }
        }
        System.exit(all ? 0 : 1);
    }
}

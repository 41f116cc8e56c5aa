// Signs one file with @signpdf; arguments and answer: see README.md. It makes no
// PAdES signature and asks for no timestamp, and it does not verify.
import { readFileSync, writeFileSync } from "node:fs";
import { plainAddPlaceholder } from "@signpdf/placeholder-plain";
import { P12Signer } from "@signpdf/signer-p12";
import { SignPdf } from "@signpdf/signpdf";
import { SUBFILTER_ETSI_CADES_DETACHED } from "@signpdf/utils";

const [, , , source, target, , , identity] = process.argv;
let began;
for (let i = 0; i < 2; i++) {
  began = performance.now();
  const pdfBuffer = plainAddPlaceholder({
    pdfBuffer: readFileSync(source), reason: "Measured", contactInfo: "", name: "", location: "",
    signatureLength: 16384, subFilter: SUBFILTER_ETSI_CADES_DETACHED,
  });
  const signer = new P12Signer(readFileSync(identity.replace(/pem$/, "p12")), { passphrase: "measured" });
  writeFileSync(target, await new SignPdf().sign(pdfBuffer, signer));
}
const ms = performance.now() - began;
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
console.log(JSON.stringify({ ms, peak, said: "no PAdES, no timestamp" }));

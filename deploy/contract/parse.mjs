// Judges an AsyncAPI file with AsyncAPI's own parser, offline: node parse.mjs asyncapi.yaml; exit code 1 with what is wrong.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const [file] = process.argv.slice(2);
const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"), { source: file });
const faults = diagnostics.filter(({ severity }) => severity === 0);
for (const { code, path, message } of faults) console.log(`${path.join(".")}: ${message} (${code})`);
if (faults.length || !document) process.exit(1);
console.log(`${document.channels().all().length} channels, ${document.operations().all().length} operations: valid AsyncAPI ${document.version()}`);

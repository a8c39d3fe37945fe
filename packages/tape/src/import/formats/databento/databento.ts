import { isDbn, type RecordingFile } from "../../input/recording-file.js";
import { type EventStream, type Format, lineStream, type ReadContext } from "../format.js";
import { csvSchema, DatabentoRows } from "./databento-csv.js";
import { dbnSchema } from "./dbn/metadata.js";
import { dbnStream } from "./dbn/stream.js";
import { type Schema, sampled, schemas, schemasAccepted } from "./record.js";

export const databento: Format = {
  name: "databento",
  about: "Databento's DBN files and CSV: mbo, mbp-10, mbp-1, tbbo, best prices of each second, trades",
  recognises: (file) => schemaOf(file) !== undefined,
  streams: (files, reading) => richest(files, reading).map(({ file, schema }) => streamOf(file, schema, reading)),
};

interface Known {
  readonly file: RecordingFile;
  readonly schema: Schema;
}

/** Why a DBN file cannot be imported; completes a sentence about the file. Undefined if it can, or if it is another file. */
export function unsupportedDbn({ beginning }: RecordingFile): string | undefined {
  if (!isDbn(beginning)) return undefined;
  const found = dbnSchema(beginning);
  if ("reason" in found) return found.reason;
  if (/^c?bbo-1m$/.test(found.schema)) {
    const each = found.schema.replace("1m", "1s");
    return `is a DBN file of the schema ${found.schema}, whose books are a minute apart: ask Databento for ${each} or ${each.replace("bbo-1s", "mbp-1")} instead`;
  }
  return schemaNamed(found.schema) === undefined
    ? `is a DBN file of the schema ${found.schema}: ${schemasAccepted}`
    : undefined;
}

function schemaOf(file: RecordingFile): Schema | undefined {
  if (!isDbn(file.beginning)) return csvSchema(file);
  const found = dbnSchema(file.beginning);
  return "schema" in found ? schemaNamed(found.schema) : undefined;
}

function schemaNamed(name: string): Schema | undefined {
  return schemas.find((schema) => schema === name);
}

function streamOf(file: RecordingFile, schema: Schema, reading: ReadContext): EventStream {
  if (isDbn(file.beginning)) return dbnStream(file, schema, reading);
  return lineStream(file, new DatabentoRows(file, reading), reading);
}

/** Each schema has the trades of the poorer ones, so only the files of the richest are used. */
function richest(files: readonly RecordingFile[], reading: ReadContext): Known[] {
  const known = files.flatMap((file): Known[] => {
    const schema = schemaOf(file);
    return schema === undefined ? [] : [{ file, schema }];
  });
  const best = schemas.find((schema) => known.some((one) => one.schema === schema));
  return known.filter(({ file, schema }) => {
    if (schema === best || (schema === "trades" && best !== undefined && sampled.includes(best))) return true;
    reading.notice(leftOut(file, schema, best));
    return false;
  });
}

function leftOut({ name }: RecordingFile, schema: Schema, best: Schema | undefined): string {
  return `${name} was left out: it is ${schema}, and other files are ${best}, which has its trades too; what it alone has can be imported by itself.`;
}

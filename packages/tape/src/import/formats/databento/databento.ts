import type { RecordingFile } from "../../input/recording-file.js";
import { type Format, lineStream, type ReadContext } from "../format.js";
import { csvSchema, DatabentoRows } from "./databento-csv.js";
import { type Schema, schemas } from "./record.js";

export const databento: Format = {
  name: "databento",
  about: "Databento's CSV: mbp-1, mbp-10, tbbo and trades",
  recognises: (file) => csvSchema(file) !== undefined,
  streams: (files, reading) =>
    richest(files, reading).map((file) => lineStream(file, new DatabentoRows(file, reading), reading)),
};

/** Each schema has the trades of the poorer ones, so only the files of the richest are used. */
function richest(files: readonly RecordingFile[], reading: ReadContext): RecordingFile[] {
  const known = files.flatMap((file) => {
    const schema = csvSchema(file);
    return schema === undefined ? [] : [{ file, schema }];
  });
  const best = schemas.find((schema) => known.some((one) => one.schema === schema));
  return known.flatMap(({ file, schema }) => {
    if (schema === best) return [file];
    reading.notice(leftOut(file, schema, best));
    return [];
  });
}

function leftOut({ name }: RecordingFile, schema: Schema, best: Schema | undefined): string {
  return `${name} was left out: it is ${schema}, and other files are ${best}, which has its trades too; what it alone has can be imported by itself.`;
}

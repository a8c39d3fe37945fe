import type { FrameParts, Precision } from "@tapedeck/market";
import { columnsOf, tableBytes } from "./block-columns.js";
import { gapField, roundedVolume, sides, tradeFields } from "./frame-text.js";

/** A block that has become this large is closed early: frames with very many trades don't make blocks that fill a cache. */
const largestText = 512 * 1024;

interface Row {
  readonly parts: FrameParts;
  readonly tradeVolume: number;
  readonly gapBeforeNs: number;
  readonly start: number;
  readonly fieldsStart: number;
  readonly tradesStart: number;
  readonly anomaliesStart: number;
}

/** Collects the frames of one block and lays them out. */
export class BlockBuilder {
  readonly #capacity: number;
  readonly #precision: Precision;
  #rows: Row[] = [];
  #texts: string[] = [];
  #textLength = 0;

  constructor(framesPerBlock: number, precision: Precision) {
    this.#capacity = framesPerBlock;
    this.#precision = precision;
  }

  get count(): number {
    return this.#rows.length;
  }

  get full(): boolean {
    return this.#rows.length >= this.#capacity || this.#textLength >= largestText;
  }

  add(seq: number, parts: FrameParts, gapBeforeNs: number): void {
    const tradeVolume = roundedVolume(parts.tradeVolume, this.#precision.sizeDecimals);
    const head = `{"type":"snapshot","seq":${seq},${parts.head}`;
    const fields = tradeFields(
      parts.tradeCount,
      tradeVolume,
      parts.lastTradePrice,
      parts.lastTradeSide,
      parts.effectiveSpread,
    );
    const start = this.#textLength;
    const fieldsStart = start + head.length;
    const tradesStart = fieldsStart + fields.length + ',"trades":['.length;
    const anomaliesStart = tradesStart + parts.trades.length + '],"anomalies":['.length;
    const text = `${head}${fields},"trades":[${parts.trades}],"anomalies":[${parts.anomalies}]${gapField(gapBeforeNs)}}`;
    this.#rows.push({ parts, tradeVolume, gapBeforeNs, start, fieldsStart, tradesStart, anomaliesStart });
    this.#texts.push(text);
    this.#textLength += text.length;
  }

  /** The block's bytes, before compression. The builder is empty afterwards. */
  take(): Buffer {
    const rows = this.#rows;
    const table = tableBytes(rows.length);
    const bytes = Buffer.from(new ArrayBuffer(table + this.#textLength));
    bytes.writeUInt32LE(rows.length, 0);
    bytes.writeUInt32LE(table, 4);
    const columns = columnsOf(bytes.buffer, rows.length);
    rows.forEach(({ parts, ...row }, at) => {
      columns.ns[at] = parts.ns;
      columns.tradeVolume[at] = row.tradeVolume;
      columns.lastTradePrice[at] = parts.tradeCount === 0 ? 0 : parts.lastTradePrice;
      columns.effectiveSpread[at] = parts.effectiveSpread ?? Number.NaN;
      columns.gapBeforeNs[at] = row.gapBeforeNs;
      columns.start[at] = row.start;
      columns.fieldsStart[at] = row.fieldsStart;
      columns.tradesStart[at] = row.tradesStart;
      columns.tradesEnd[at] = row.tradesStart + parts.trades.length;
      columns.anomaliesStart[at] = row.anomaliesStart;
      columns.anomaliesEnd[at] = row.anomaliesStart + parts.anomalies.length;
      columns.tradeCount[at] = parts.tradeCount;
      columns.side[at] = sides.indexOf(parts.lastTradeSide);
    });
    bytes.write(this.#texts.join(""), table, "latin1");
    this.#rows = [];
    this.#texts = [];
    this.#textLength = 0;
    return bytes;
  }
}

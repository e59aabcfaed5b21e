// Keeps a correct copy of hadir.tpp.month.v1 in a journal: state and position in one line, flushed to disk; older versions ignored.
// Verbs: follow (for ever; kill it whenever you like), once (up to what the topic holds now), show. Environment: KAFKA, COPY (file),
// GROUP (begins with ext.<system>.); KAFKA_USER, KAFKA_PASSWORD, KAFKA_CA (file) where a login is asked for.
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { Consumer, stringDeserializers } from "@platformatic/kafka";

const TOPIC = "hadir.tpp.month.v1";
const { KAFKA, GROUP, COPY, KAFKA_USER, KAFKA_PASSWORD, KAFKA_CA } = process.env;
const months = new Map();
const positions = new Map();

function apply({ months: changed, positions: moved }) {
  for (const [key, month] of Object.entries(changed)) month === null ? months.delete(key) : months.set(key, month);
  for (const [partition, offset] of Object.entries(moved)) positions.set(Number(partition), BigInt(offset));
}

function append(file, changed, moved) {
  const left = Buffer.from(JSON.stringify({ months: changed, positions: moved }) + "\n");
  for (let done = 0; done < left.length; ) done += writeSync(file, left, done);
  fsyncSync(file);
}

function readJournal() {
  const text = existsSync(COPY) ? readFileSync(COPY, "utf8") : "";
  for (const line of text.split("\n").slice(0, -1)) apply(JSON.parse(line)); // a torn last line never counted
}

function openJournal() {
  const fresh = openSync(`${COPY}.new`, "w"); // one line instead of the whole history
  append(fresh, Object.fromEntries(months), Object.fromEntries([...positions].map(([p, at]) => [p, String(at)])));
  closeSync(fresh);
  renameSync(`${COPY}.new`, COPY);
  return openSync(COPY, "a");
}

function login() {
  if (!KAFKA_USER) return {};
  return { sasl: { mechanism: "SCRAM-SHA-512", username: KAFKA_USER, password: KAFKA_PASSWORD }, tls: { ca: readFileSync(KAFKA_CA) } };
}

async function follow(once) {
  const file = openJournal();
  const consumer = new Consumer({
    clientId: "tpp-month", groupId: GROUP, bootstrapBrokers: KAFKA.split(","), deserializers: stringDeserializers, sessionTimeout: 6000, heartbeatInterval: 2000,
    ...login(),
  });
  const ends = (await consumer.listOffsets({ topics: [TOPIC], timestamp: -1n })).get(TOPIC);
  const starts = (await consumer.listOffsets({ topics: [TOPIC], timestamp: -2n })).get(TOPIC);
  const at = ends.map((_, partition) => (positions.get(partition) > starts[partition] ? positions.get(partition) : starts[partition]));
  const behind = () => once && ends.some((end, partition) => at[partition] < end);
  // The group serves as a lock only, one process at a time; the position is the one that was stored with the state.
  const offsets = at.map((offset, partition) => ({ topic: TOPIC, partition, offset }));
  const stream = once && !behind() ? [] : await consumer.consume({ topics: [TOPIC], mode: "manual", offsets, autocommit: false });
  let changed = {}, moved = {}, count = 0;
  const store = () => {
    if (!count) return;
    append(file, changed, moved);
    apply({ months: changed, positions: moved });
    console.log(`stored ${count} records`);
    [changed, moved, count] = [{}, {}, 0];
  };
  for await (const { key, value, partition, offset } of stream) {
    const month = value === undefined || value === null ? null : JSON.parse(value);
    const known = key in changed ? changed[key] : (months.get(key) ?? null);
    // The rule for outsiders: a version that is not greater changes nothing; no value means the key is no more.
    if (known === null || month === null || month.version > known.version) changed[key] = month;
    at[partition] = offset + 1n;
    moved[partition] = String(at[partition]);
    count += 1;
    if (count >= 500 || stream.readableLength === 0) store();
    if (once && !behind()) break;
  }
  store();
  await consumer.close(true);
}

readJournal();
if (process.argv[2] === "show")
  for (const key of [...months.keys()].sort()) console.log(key, JSON.stringify(months.get(key)));
else await follow(process.argv[2] === "once");

// SPDX-License-Identifier: BSL-1.0
//
// The rows in JavaScript, on node: it has one thread, promises and timers.
import { setImmediate as turn } from "node:timers/promises";

const answer = async () => 1;

const rows = {
  async await_ready(n) {
    for (let i = 0; i < n; ++i) await answer();
  },
  async yield(n) {
    const one = async () => {
      for (let i = 0; i < n / 2; ++i) await turn();
    };
    await Promise.all([one(), one()]);
  },
  async start_join(n) {
    for (let i = 0; i < n; i += 100) await Promise.all(Array.from({ length: 100 }, answer));
  },
  async timer_cancel(n) {
    for (let i = 0; i < n; ++i) clearTimeout(setTimeout(() => {}, 3_600_000));
  },
};

const cpuNs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
};

async function sleepers(n) {
  const before = process.memoryUsage().rss;
  const used = cpuNs();
  const all = [];
  for (let i = 0; i < n; ++i) all.push(new Promise((done) => setTimeout(done, 1000 + (9000 * i) / n)));
  await turn();
  const bytes = process.memoryUsage().rss - before;
  await Promise.all(all);
  console.log((bytes / n).toFixed(1), ((cpuNs() - used) / n).toFixed(1));
}

const [name, count] = process.argv.slice(2);
const n = Number(count);
if (name === "--rows") {
  console.log([...Object.keys(rows), "sleepers"].join("\n"));
} else if (!(n >= 1) || !(name in rows || name === "sleepers")) {
  console.error("usage: node_rows.mjs ROW N | --rows");
  process.exitCode = 2;
} else if (name === "sleepers") {
  await sleepers(n);
} else {
  await rows[name](Math.floor(n / 10) + 100);
  const begin = process.hrtime.bigint();
  const used = cpuNs();
  await rows[name](n);
  console.log((Number(process.hrtime.bigint() - begin) / n).toFixed(2), ((cpuNs() - used) / n).toFixed(2));
}

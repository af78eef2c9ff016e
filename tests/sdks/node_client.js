// nacos of npm as its users have it, for some seconds: prints how many calls it made, and those that failed.
//
// node_client.js HOST:PORT SECONDS, with NODE_PATH
"use strict";
const { NacosConfigClient } = require("nacos");

const [address, seconds] = process.argv.slice(2);

async function main() {
  const client = new NacosConfigClient({ serverAddr: address, username: "anybody", password: "any", requestTimeout: 10000 });
  const heard = [];
  const failures = [];
  let calls = 0;
  client.on("error", (error) => failures.push(String(error)));
  client.subscribe({ dataId: "sdk", group: "G" }, (content) => heard.push(content));
  const end = Date.now() + 1000 * Number(seconds);
  while (Date.now() < end) {
    const content = `content ${calls} 中文`;
    calls += 2;
    try {
      await client.publishSingle("sdk", "G", content);
      const got = await client.getConfig("sdk", "G");
      if (got !== content) failures.push(`${got} instead of ${content}`);
    } catch (error) {
      failures.push(String(error));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  console.log(JSON.stringify({ calls, failures: failures.slice(0, 5), heard: heard.length }));
  process.exit(0);
}

main();

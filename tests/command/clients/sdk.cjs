// The Node SDK as its users have it: one client, which reads a configuration every 100 ms for so many seconds, one that is not
// there among them, and registers an instance.
const { NacosConfigClient, NacosNamingClient } = require("nacos");

const [seconds, ...credentials] = process.argv.slice(2);
const [username, password] = credentials;
const serverAddr = process.env.NACOS_AUTH_ADDR;
const logger = { ...console, info() {}, debug() {}, log() {}, warn() {} };

async function main() {
  const client = new NacosConfigClient({ serverAddr, username, password, requestTimeout: 6000 });
  const naming = new NacosNamingClient({ logger, serverList: serverAddr, namespace: "public", username, password });
  await naming.ready();
  await naming.registerInstance("node-sdk", { ip: "127.0.0.1", port: 8080 });
  let [ok, failed] = [0, 0];
  const end = Date.now() + 1000 * Number(seconds);
  while (Date.now() < end) {
    try {
      const content = await client.getConfig("demo", "DEFAULT_GROUP");
      const instances = await naming.getAllInstances("node-sdk", "DEFAULT_GROUP", "DEFAULT", false);
      if (content === "hello" && instances.length === 1) ok++;
      else {
        failed++;
        console.error(`read ${content}, ${instances.length} instances`);
      }
    } catch (error) {
      failed++;
      console.error(String(error));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  console.log(`ok ${ok} failed ${failed}`);
  process.exit(0);
}
main();

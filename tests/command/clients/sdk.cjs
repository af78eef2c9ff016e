// The Node SDK as its users have it, for so many seconds: every 100 ms it publishes a configuration that it listens to, reads it
// back, and looks for the instance that it has registered.
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
  let [ok, failed, heard] = [0, 0, 0];
  client.subscribe({ dataId: "node", group: "G" }, () => heard++);
  const end = Date.now() + 1000 * Number(seconds);
  while (Date.now() < end) {
    try {
      const sent = `content ${ok} 中文`;
      await client.publishSingle("node", "G", sent);
      const content = await client.getConfig("node", "G");
      const instances = await naming.getAllInstances("node-sdk", "DEFAULT_GROUP", "DEFAULT", false);
      if (content === sent && instances.length === 1) ok++;
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
  if (heard === 0) failed++, console.error("nothing heard of what was published");
  console.log(`ok ${ok} failed ${failed}`);
  process.exit(0);
}
main();

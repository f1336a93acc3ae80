// Runs Node-RED as its tutorials do it: an MQTT node, and a function node with a pool of connections.
// No editor, loopback only; everything it is told stands in PEER_* and PG* of its environment.
const env = process.env;
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");
const load = createRequire(path.join(env.PEER_MODULES, "x.js"));

const columns = env.PEER_COLUMNS.split(",");
const places = columns.map((_, n) => `$${n + 1}`).join(", ");
const insert =
  `INSERT INTO ${env.PEER_TABLE} (${columns.join(", ")}) VALUES (${places}) ON CONFLICT DO NOTHING`;

const flows = [
  { id: "tab", type: "tab", label: "readings" },
  {
    id: "broker", type: "mqtt-broker", broker: "127.0.0.1", port: env.PEER_BROKER_PORT,
    clientid: env.PEER_CLIENT, autoConnect: true, usetls: false, protocolVersion: "5",
    keepalive: "60", cleansession: false, sessionExpiry: "86400",
  },
  {
    id: "in", type: "mqtt in", z: "tab", topic: env.PEER_TOPIC, qos: "1", datatype: "json",
    broker: "broker", nl: false, rap: true, rh: 0, inputs: 0, wires: [["store"]],
  },
  {
    id: "store", type: "function", z: "tab", outputs: 1, wires: [[]],
    initialize: "context.set('pool', new (global.get('pg').Pool)({ max: 10 }));",
    func: `const values = ${JSON.stringify(columns)}.map(name => msg.payload[name]);
      await context.get('pool').query(${JSON.stringify(insert)}, values);
      return msg;`,
    finalize: "context.get('pool').end();",
  },
];

const folder = path.join(env.PEER_FOLDER, env.PEER_TABLE);
fs.mkdirSync(folder, { recursive: true });
fs.writeFileSync(path.join(folder, "flows.json"), JSON.stringify(flows));

const RED = load("node-red");
RED.init(undefined, {
  userDir: folder,
  flowFile: "flows.json",
  credentialSecret: false,
  httpAdminRoot: false,
  httpNodeRoot: false,
  functionGlobalContext: { pg: load("pg") },
  externalModules: { autoInstall: false, palette: { allowInstall: false } },
  telemetry: { enabled: false, updateNotification: false },
  logging: { console: { level: "warn", metrics: false, audit: false } },
});
RED.start();
process.on("SIGTERM", () => RED.stop().then(() => process.exit(0)));

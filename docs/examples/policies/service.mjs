// A policy service: easy requests go to the cheapest target, hard ones to the best.
import { createServer } from "node:http";

const { PORT = "8700", TOKEN = "" } = process.env;

function decide({ request, targets }) {
  const hard = request.complexity > 0.5 || request.reasoning;
  const byCost = (a, b) => a.estimated_cost_usd - b.estimated_cost_usd;
  const byQuality = (a, b) => (b.quality ?? 0) - (a.quality ?? 0);
  const order = targets.toSorted(hard ? byQuality : byCost).map((t) => t.target);
  return { order, note: hard ? "hard: best first" : "easy: cheapest first" };
}

const server = createServer(async (req, res) => {
  if (TOKEN && req.headers.authorization !== `Bearer ${TOKEN}`) return res.writeHead(401).end();
  try {
    const input = JSON.parse(Buffer.concat(await req.toArray()).toString());
    res.setHeader("content-type", "application/json").end(JSON.stringify(decide(input)));
  } catch {
    res.writeHead(400).end();
  }
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on port ${server.address().port}`));

// neighbours: what a member is joined to, for the mesh's picture: nodes on the
// left, egresses, and the providers behind them on the right.
import { duration } from "./number.js";
import { picture } from "./picture.js";

const UP = "up";
const plural = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

// Of the lanes of a link, one: up when all are, and by which way fastest.
function joined(links) {
	const peers = new Map();
	for (const link of links) {
		const peer = peers.get(link.peer) ?? { name: link.peer, lanes: 0, up: 0, rtt: 0, streams: 0 };
		peer.lanes++;
		peer.streams += link.streams;
		if (link.state === UP) {
			peer.up++;
			peer.rtt = peer.rtt ? Math.min(peer.rtt, link.rtt_us) : link.rtt_us;
		}
		peers.set(link.peer, peer);
	}
	return [...peers.values()].map((peer) => ({
		...peer,
		tone: peer.up === 0 ? "bad" : peer.up < peer.lanes ? "warn" : "good",
	}));
}

const label = (peer) =>
	peer.up === 0 ? "down" : `${peer.rtt ? duration(peer.rtt) : "up"}${peer.up < peer.lanes ? `, ${peer.up} of ${peer.lanes} lanes` : ""}`;

const box = (peer) => ({
	id: `peer ${peer.name}`,
	title: peer.name,
	note: peer.up === 0 ? "no link" : `${plural(peer.lanes, "lane")}, ${plural(peer.streams, "stream")}`,
	tone: peer.tone,
});

// [{ provider, egress, of, well, out }]: how many targets it has, how many work,
// and how many are none for good; what backs off comes back by itself.
function providers(targets) {
	const all = new Map();
	for (const { provider, egress, state } of targets) {
		const key = `${egress} ${provider}`;
		const one = all.get(key) ?? { id: `provider ${key}`, provider, egress, of: 0, well: 0, out: 0 };
		one.of++;
		one.well += state === "ok";
		one.out += state === "disabled" || state === "not offered";
		all.set(key, one);
	}
	return [...all.values()].map((one) => ({
		...one,
		tone: one.well === one.of ? "good" : one.out === one.of ? "bad" : "warn",
	}));
}

const behind = (one) => ({
	id: one.id,
	title: one.provider,
	note: one.well === one.of ? plural(one.of, "target") : `${one.well} of ${one.of} targets`,
	tone: one.tone,
});

const self = (name, note) => ({ id: "self", title: name, note, tone: "good", self: true });

function told(name, peers, all) {
	const say = (one) => `${one.name} ${one.up === 0 ? "down" : UP}`;
	return `${name} with ${peers.map(say).join(", ") || "no links"}; behind them ${all
		.map(({ provider, well, of }) => `${provider}, ${well} of ${of} targets in use`)
		.join("; ")}`;
}

// targets: { provider, egress: "" is its own, state }
export function ofNode(name, links, targets) {
	const peers = joined(links);
	const all = providers(targets);
	return picture({
		told: told(name, peers, all),
		columns: [
			[self(name, "this node")],
			[...all.filter((one) => !one.egress).map(behind), ...peers.map(box)],
			all.filter((one) => one.egress).map(behind),
		],
		edges: [
			...peers.map((peer) => ({
				from: "self",
				to: `peer ${peer.name}`,
				tone: peer.tone,
				label: label(peer),
			})),
			...all.map((one) => ({
				from: one.egress ? `peer ${one.egress}` : "self",
				to: one.id,
				tone: one.tone,
			})),
		],
	});
}

export function ofEgress(name, links, targets) {
	const peers = joined(links);
	const all = providers(targets.map((target) => ({ ...target, egress: "" })));
	return picture({
		told: told(name, peers, all),
		columns: [peers.map(box), [self(name, "this egress")], all.map(behind)],
		edges: [
			...peers.map((peer) => ({
				from: `peer ${peer.name}`,
				to: "self",
				tone: peer.tone,
				label: label(peer),
			})),
			...all.map((one) => ({ from: "self", to: one.id, tone: one.tone })),
		],
	});
}

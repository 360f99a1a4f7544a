// The status page: asks /status.json each second and shows it. Nothing is kept but the last minute's rates.
"use strict";

const kPageSize = 50, kHistory = 60, kSvg = "http://www.w3.org/2000/svg";
const kSvgTags = new Set(["svg", "rect", "path"]);

// --- a tree of elements as values, and what makes the document so, touching only what differs: selected text stays ---

const h = (tag, attributes, ...children) => ({tag, attributes: attributes || {}, children: children.flat(Infinity).filter(c => c != null && c !== false)});

function create(wanted) {
  if (typeof wanted !== "object") return document.createTextNode(wanted);
  const node = kSvgTags.has(wanted.tag) ? document.createElementNS(kSvg, wanted.tag) : document.createElement(wanted.tag);
  node.shown = {};
  update(node, wanted);
  return node;
}

function update(node, wanted) {
  for (const name of Object.keys(node.shown)) if (!(name in wanted.attributes)) set(node, name, null);
  for (const [name, value] of Object.entries(wanted.attributes)) if (node.shown[name] !== value) set(node, name, value);
  node.shown = wanted.attributes;
  fill(node, wanted.children);
}

function set(node, name, value) {
  if (name.startsWith("on")) node[name] = value;
  else if (name === "disabled") node.disabled = Boolean(value);
  else if (value == null) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

function fill(parent, children) {
  children.forEach((wanted, i) => {
    const node = parent.childNodes[i];
    if (!node) parent.append(create(wanted));
    else if (typeof wanted !== "object") {
      if (node.nodeType !== Node.TEXT_NODE) node.replaceWith(create(wanted));
      else if (node.data !== String(wanted)) node.data = wanted;
    } else if (node.nodeType === Node.TEXT_NODE || node.localName !== wanted.tag) node.replaceWith(create(wanted));
    else update(node, wanted);
  });
  while (parent.childNodes.length > children.length) parent.lastChild.remove();
}

const show = (id, ...children) => fill(document.getElementById(id), children.flat(Infinity).filter(c => c != null && c !== false));

// --- numbers in an operator's words, as shuntctl's ---

function scaled(value, from) {
  if (value < from) return value > 0 && value < 9.95 && value % 1 ? value.toFixed(1) : value.toFixed(0);
  let scale = 0;
  while (value >= 999.5 && scale < 6) { value /= 1000; ++scale; }
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + ["", "k", "M", "G", "T", "P", "E"][scale];
}
const count = value => scaled(value, 100000);
const rate = value => scaled(value, 10000);
const bits = bytes => scaled(bytes * 8, 1000);
const percent = ratio => (ratio * 100).toFixed(ratio < 0.1 ? 1 : 0) + " %";

function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return s + "s";
  if (s < 3600) return Math.floor(s / 60) + "m";
  if (s < 86400) return Math.floor(s / 3600) + "h" + Math.floor(s % 3600 / 60) + "m";
  return Math.floor(s / 86400) + "d" + Math.floor(s % 86400 / 3600) + "h";
}

const two = number => String(number).padStart(2, "0");
function clock(seconds) {
  const t = new Date(seconds * 1000);
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}

// --- small pictures ---

const past = new Map();
function remember(key, value) {
  const values = past.get(key) || [];
  values.push(value);
  if (values.length > kHistory) values.shift();
  past.set(key, values);
}

function spark(key, title) {
  const values = past.get(key) || [];
  const most = Math.max(...values, 1e-9);
  const points = values.map((v, i) => `${(kHistory - values.length + i) * 100 / (kHistory - 1)},${(19 - v / most * 18).toFixed(1)}`);
  const line = points.length < 2 ? "" : "M" + points.join("L");
  const first = points.length ? points[0].split(",")[0] : 0;
  return h("svg", {class: "spark", viewBox: "0 0 100 20", preserveAspectRatio: "none", role: "img", "aria-label": title},
    h("path", {class: "area", d: line && `${line}L100,20L${first},20Z`}), h("path", {d: line}));
}

function meter(ratio, warn, bad) {
  const width = Math.max(0, Math.min(1, ratio)) * 100;
  const tone = ratio > bad ? "bad" : ratio > warn ? "warn" : "";
  return h("span", {class: "with-meter"}, percent(ratio),
    h("svg", {class: "meter", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true"}, h("rect", {class: tone, width, height: 8})));
}

// Who carries how much of the service: by connections, and by weights where there are none.
function shares(service) {
  const reals = service.reals.filter(r => !r.sorry);
  const held = r => r.active_connections + r.inactive_connections;
  const all = reals.reduce((sum, r) => sum + held(r), 0);
  const parts = reals.map(r => r.health === "DOWN" ? 0 : all > 0 ? held(r) : r.effective_weight);
  // One that is down has no part, and must be seen.
  const total = parts.reduce((sum, part) => sum + part, 0) || 1;
  const down = reals.filter(r => r.health === "DOWN").length;
  const broken = down === reals.length ? 100 : Math.min(60, down * 6);
  let x = 0;
  const rects = reals.map((r, i) => {
    const width = r.health === "DOWN" ? broken / down : parts[i] / total * (100 - broken);
    const tone = r.health === "DOWN" ? "down" : r.draining || r.removed ? "draining" : i % 2 ? "even" : "odd";
    const rect = h("rect", {x: x.toFixed(2), width: Math.max(0, width - 0.6).toFixed(2), height: 10, class: tone});
    x += width;
    return rect;
  });
  return h("svg", {class: "share", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img",
    "aria-label": `shares of ${reals.length} reals`}, rects);
}

// --- tables ---

const th = (text, kind, title) => h("th", {class: kind || "", ...(title ? {title} : {})}, text);
const td = (content, kind, title) => h("td", {class: kind || "", ...(title ? {title} : {})}, content);
const table = (heads, rows) => h("table", null, h("thead", null, h("tr", null, heads)), h("tbody", null, rows));

const view = {filter: "", troubled: false, offset: 0, open: new Set()};

function healthTone(real) {
  if (real.draining || real.removed) return "warn";
  return real.health === "DOWN" || real.inhibition ? "bad" : real.health === "UP" ? "good" : "";
}

// As shuntctl says it.
function inhibitionText(real, now) {
  const held = real.inhibition;
  if (!held) return "";
  return `inhibited for ${age(now - held.since)}, ends ${held.until > now ? "in " + age(held.until - now) : "over"}: ${held.why}`;
}

// What of an override is not to be seen from the weight, as shuntctl says it.
function overrideText(real, now) {
  const held = real.override;
  if (!held) return "";
  const left = time => time > now ? "in " + age(time - now) : "over";
  const drain = held.drain || {};
  return [`configured weight ${real.configured_weight}`,
    drain.deadline && (drain.deadline > now ? `${drain.then} ${left(drain.deadline)}` : `${drain.then} since the deadline`),
    drain.until && `drain ends ${left(drain.until)}`, held.weight && held.weight.until && `set weight ends ${left(held.weight.until)}`].filter(Boolean).join(", ");
}

function standing(service) {
  return [service.panics && "panic", !service.has_quorum && "no quorum", service.withdrawn && "withdrawn"].filter(Boolean).join(", ");
}

function realRow(real, now) {
  const words = [real.health, real.inhibition && "inhibited", real.sorry && "sorry", real.draining && "draining", real.removed && "removed"].filter(Boolean).join(" ");
  const weight = real.effective_weight === real.weight ? real.weight : `${real.effective_weight}/${real.weight}`;
  const reach = real.next_hop && !real.next_hop.startsWith("reachable") ? `next hop: ${real.next_hop}` : "";
  const said = [real.last_check, overrideText(real, now), inhibitionText(real, now), real.slow_start_percent && `slow start: ${real.slow_start_percent} %`, reach].filter(Boolean).join("; ");
  const r = real.rates;
  return h("tr", {class: "real"},
    td([real.place, real.name !== real.place && h("span", {class: "faint"}, " " + real.name)]),
    td(h("span", {class: healthTone(real)}, words, real.since ? h("span", {class: "faint"}, " " + age(now - real.since)) : null)),
    td(said, "middle", said), td([h("span", {class: "faint"}, "weight "), String(weight)], "wide"), td(""),
    td(`${count(real.active_connections)} + ${count(real.inactive_connections)}`, "n", "active + inactive connections"),
    td(rate(r.connections), "n"), td(rate(r.in_packets), "n middle"), td(rate(r.out_packets), "n middle"),
    td(bits(r.in_bytes), "n wide"), td(bits(r.out_bytes), "n wide"), td("", "wide"));
}

function serviceRows(service, now) {
  const open = view.open.has(service.name);
  const toggle = () => { open ? view.open.delete(service.name) : view.open.add(service.name); keep(); draw(); poll(); };
  const tone = service.reals_up === 0 ? "bad" : service.reals_up < service.reals_total ? "warn" : "";
  const r = service.rates;
  const places = [service.place, ...service.more_vips];
  const rows = [h("tr", {class: "service"},
    td([h("button", {class: "twist", "aria-expanded": String(open), "aria-label": `reals of ${service.name}`, onclick: toggle}, open ? "▾" : "▸"), service.name]),
    td(places.length > 1 ? `${places[0]} +${places.length - 1}` : places[0], "", places.join(" ")),
    td(service.protocol, "middle"), td([service.method, " ", h("span", {class: "faint"}, service.scheduler)], "wide"),
    td([h("b", {class: tone}, `${service.reals_up}/${service.reals_total}`), " up", standing(service) && h("b", {class: "bad"}, " " + standing(service))]),
    td(count(service.active_connections + service.inactive_connections), "n",
      `${service.active_connections} active, ${service.inactive_connections} inactive`),
    td(rate(r.connections), "n"), td(rate(r.in_packets), "n middle"), td(rate(r.out_packets), "n middle"),
    td(bits(r.in_bytes), "n wide"), td(bits(r.out_bytes), "n wide"),
    td(h("span", {class: "with-meter"}, shares(service), spark("service " + service.name, "packets in, last minute")), "wide"))];
  if (!open) return rows;
  rows.push(...service.reals.map(real => realRow(real, now)));
  if (service.reals.length === 0) rows.push(h("tr", {class: "more"}, h("td", {colspan: 12}, "it has no real")));
  if (service.reals_left_out > 0) {
    rows.push(h("tr", {class: "more"}, h("td", {colspan: 12}, `${service.reals_left_out} more reals: shuntctl service list ${service.name}`)));
  }
  return rows;
}

function drawServices(s) {
  for (const service of s.services) remember("service " + service.name, service.rates.in_packets);
  const first = s.services_offset + 1, last = s.services_offset + s.services.length;
  const go = offset => () => { view.offset = Math.max(0, offset); keep(); poll(); };
  show("pages", s.services.length ? `${first}–${last} of ${s.services_matching}` : `0 of ${s.services_total}`,
    s.services_matching > s.services.length && [
      h("button", {onclick: go(s.services_offset - kPageSize), disabled: s.services_offset === 0, "aria-label": "page before"}, "‹"),
      h("button", {onclick: go(last), disabled: last >= s.services_matching, "aria-label": "next page"}, "›")]);
  if (!s.services.length) {
    return show("services", h("p", {class: "empty"}, s.services_total === 0 ? "There is no service yet: shuntctl apply -f FILE"
      : view.troubled && !view.filter ? "No service is in trouble." : "No service is found by that."));
  }
  const heads = [th("Service"), th("VIP"), th("Protocol", "middle"), th("Method, scheduler", "wide"), th("Reals"), th("Conns", "n", "connections now"),
    th("CPS", "n", "new connections a second"), th("InPPS", "n middle", "packets a second from clients"),
    th("OutPPS", "n middle", "packets a second from reals"), th("In bit/s", "n wide"), th("Out bit/s", "n wide"), th("Shares, last minute", "wide")];
  show("services", table(heads, s.services.map(service => serviceRows(service, s.now))));
}

function drawWorkers(s) {
  const rows = s.workers.map(w => h("tr", null,
    td(String(w.worker)), td(String(w.lcore)), td(w.stalled ? h("b", {class: "bad"}, "stalled") : meter(w.busy_ratio, 0.75, 0.9), "n"),
    td(rate(w.cycles_per_packet), "n"), td(rate(w.packets_per_burst), "n"), td(rate(gain("rx" + w.worker, w.rx_packets)), "n"),
    td(rate(gain("tx" + w.worker, w.tx_packets)), "n"), td(count(w.dropped_packets), "n"), td(count(w.kernel_packets), "n middle"),
    td(count(w.handed_off_packets), "n middle"),
    td(meter(w.connections / w.connection_capacity, 0.7, 0.85), "n", `${w.connections} of ${w.connection_capacity}`),
    td(meter(w.ipv6_connections / w.ipv6_connection_capacity, 0.7, 0.85), "n", `${w.ipv6_connections} of ${w.ipv6_connection_capacity}`)));
  show("workers", table([th("Worker"), th("Lcore"), th("Busy", "n"), th("Cycles/Pkt", "n"), th("Pkts/Burst", "n"), th("RxPPS", "n"), th("TxPPS", "n"),
    th("Dropped", "n"), th("ToKernel", "n middle"), th("HandedOff", "n middle"), th("IPv4 table", "n"), th("IPv6 table", "n")], rows));
}

function drawPorts(s) {
  const lost = value => h("span", {class: value > 0 ? "warn" : ""}, count(value));
  const rows = s.ports.map(p => h("tr", null,
    td(h("b", null, p.name)), td(h("span", {class: p.link_up ? "good" : "bad"}, p.link_up ? "up" : "down")),
    td(rate(gain("rx " + p.name, p.rx_packets)), "n"), td(rate(gain("tx " + p.name, p.tx_packets)), "n"),
    td(bits(gain("rxb " + p.name, p.rx_bytes)), "n"), td(bits(gain("txb " + p.name, p.tx_bytes)), "n"),
    td(lost(p.rx_missed), "n"), td(lost(p.rx_errors), "n"), td(lost(p.tx_errors), "n"), td(lost(p.rx_no_mbuf), "n"),
    td(p.kernel_port || "-", "middle"), td(p.device, "wide", p.driver)));
  show("ports", table([th("Port"), th("Link"), th("RxPPS", "n"), th("TxPPS", "n"), th("Rx bit/s", "n"), th("Tx bit/s", "n"), th("RxMissed", "n"),
    th("RxErrors", "n"), th("TxErrors", "n"), th("RxNoMbuf", "n"), th("KernelPort", "middle"), th("Device", "wide")], rows));
}

function drawDrops(s) {
  if (!s.drops.length) return show("drops", h("p", {class: "empty"}, "No packet was dropped."));
  const drops = [...s.drops].sort((a, b) => b.rate - a.rate || b.packets - a.packets);
  show("drops", table([th("Reason"), th("Packets", "n"), th("PPS", "n"), th("Meaning")], drops.map(d => h("tr", null,
    td(h("span", {class: d.rate > 0 ? "warn" : ""}, d.reason)), td(count(d.packets), "n"), td(rate(d.rate), "n"), td(d.meaning, "wrap")))));
}

function drawEvents(s) {
  if (!s.events.length) return show("events", h("p", {class: "empty"}, "Nothing happened yet."));
  const tone = {real_down: "bad", real_up: "good", quorum_lost: "bad", quorum_reached: "good", panic_began: "bad", panic_ended: "good"};
  show("events", table([th("Time"), th("Kind"), th("Subject"), th("Text")], s.events.map(e => h("tr", null,
    td(h("span", {class: "faint"}, clock(e.time))), td(h("span", {class: tone[e.kind] || ""}, e.kind)), td(e.subject), td(e.text, "wrap")))));
}

function drawHeader(s) {
  const fact = (name, value, title) => h("span", {class: "fact", ...(title ? {title} : {})}, h("b", null, name + " "), value);
  const gauge = (key, name, value) => h("span", {class: "gauge"}, h("span", null, h("b", null, value), h("span", {class: "faint"}, " " + name)), spark(key, name));
  remember("cps", s.rates.connections);
  remember("pps", s.rates.in_packets + s.rates.out_packets);
  remember("bps", s.rates.in_bytes + s.rates.out_bytes);
  const ready = s.state === "READY";
  show("header", h("h1", null, s.hostname || "Shunt"), h("span", {id: "state", class: "pill " + (ready ? "good" : "warn")}, s.state),
    h("span", {class: "facts"},
      fact("shuntd", s.version, "DPDK " + s.dpdk_version),
      fact("revision", `${s.revision}, ${age(s.now - s.applied)} old`, "applied " + clock(s.applied)),
      fact("up", age(s.now - s.started), "since " + clock(s.started)),
      fact("reals", `${s.reals_up}/${s.reals} up`), fact("connections", count(s.connections + s.ipv6_connections))),
    h("span", {class: "gauges"}, gauge("cps", "conn/s", rate(s.rates.connections)), gauge("pps", "pkt/s", rate(s.rates.in_packets + s.rates.out_packets)),
      gauge("bps", "bit/s", bits(s.rates.in_bytes + s.rates.out_bytes))));
  document.title = (ready ? "" : "(!) ") + (s.hostname || "Shunt") + " – Shunt";
}

// --- each second ---

let last = null, before = null, timer = 0, failedSince = 0, asked = 0;

// How much a counter grew a second since the poll before.
const counters = {now: {}, before: {}, seconds: 0};
function gain(key, value) {
  counters.now[key] = value;
  const was = counters.before[key];
  return was === undefined || counters.seconds <= 0 || value < was ? 0 : (value - was) / counters.seconds;
}

function draw() {
  if (!last) return;
  const s = last;
  drawHeader(s);
  show("problems", s.problems.length > 0 && h("ul", null, s.problems.map(problem => h("li", null, problem))));
  drawServices(s);
  drawWorkers(s);
  drawPorts(s);
  drawDrops(s);
  drawEvents(s);
}

function take(status) {
  counters.before = counters.now;
  counters.now = {};
  counters.seconds = last ? status.now - last.now : 0;
  last = status;
  failedSince = 0;
  document.body.className = "";
  // Filtered so that the page is past the end: the last one there is.
  if (!status.services.length && status.services_offset > 0 && status.services_matching > 0) {
    view.offset = Math.floor((status.services_matching - 1) / kPageSize) * kPageSize;
  }
  draw();
}

function fail(why) {
  failedSince = failedSince || Date.now();
  document.body.className = "stale";
  const seconds = Math.round((Date.now() - failedSince) / 1000);
  const text = `NO ANSWER ${seconds ? "for " + age(seconds) : ""}`;
  const pill = document.getElementById("state");
  if (pill) { pill.className = pill.shown.class = "pill bad"; pill.textContent = text; pill.title = why; }
  else show("header", h("h1", null, "Shunt"), h("span", {id: "state", class: "pill bad", title: why}, text));
}

function query() {
  const q = new URLSearchParams({limit: kPageSize});
  if (view.filter) q.set("filter", view.filter);
  if (view.troubled) q.set("troubled", "1");
  if (view.offset) q.set("offset", view.offset);
  for (const name of view.open) q.append("open", name);
  return q;
}

async function poll() {
  clearTimeout(timer);
  if (document.hidden) return;
  const mine = ++asked;
  try {
    const answer = await fetch("/status.json?" + query(), {signal: AbortSignal.timeout(5000)});
    if (!answer.ok) throw new Error(await answer.text());
    const status = await answer.json();
    if (mine === asked) take(status);
  } catch (error) {
    if (mine === asked) fail(String(error.message || error));
  }
  if (mine === asked) timer = setTimeout(poll, 1000);
}

// What is looked at stands in the address, so that it can be sent to a colleague.
function keep() {
  const q = query();
  q.delete("limit");
  window.history.replaceState(null, "", "#" + q);
}

function restore() {
  const q = new URLSearchParams(location.hash.slice(1));
  view.filter = q.get("filter") || "";
  view.troubled = q.get("troubled") === "1";
  view.offset = Number(q.get("offset")) || 0;
  view.open = new Set(q.getAll("open"));
  document.getElementById("filter").value = view.filter;
  document.getElementById("troubled").checked = view.troubled;
}

restore();
document.getElementById("filter").oninput = event => { view.filter = event.target.value.trim(); view.offset = 0; keep(); poll(); };
document.getElementById("troubled").onchange = event => { view.troubled = event.target.checked; view.offset = 0; keep(); poll(); };
document.onvisibilitychange = poll;
window.onhashchange = () => { restore(); poll(); };
poll();

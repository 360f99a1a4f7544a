-- Pktgen-DPDK: what range.lua, ndr.lua and latency.lua share: settings, flows, trials, results. For shuntd with
-- config/examples/bench.yaml or bench-nic.yaml. Settings come from the environment, so that one command says them all:
--
--   FLOWS=100000 METHOD=fullnat SIZES=64,512,1518 TRIAL=60 RESULT=ndr.json pktgen … -- … -f scripts/pktgen/ndr.lua
local bench = {}

-- Pktgen's own printf is in a file that only its source folder has.
function bench.say(...)
  io.write(string.format(...))
  io.flush()
end

local function number(name, default) return tonumber(os.getenv(name) or default) end

local vips = {nat = "203.0.113.10", fullnat = "203.0.113.11", direct = "203.0.113.12", tunnel = "203.0.113.13"}

bench.send = os.getenv("SEND") or "0"          -- Pktgen's port toward shuntd's `clients`
bench.receive = os.getenv("RECEIVE") or bench.send  -- where packets come back: the same one for nat and fullnat
bench.method = os.getenv("METHOD") or "nat"
bench.protocol = os.getenv("PROTOCOL") or "udp"  -- or tcp: Pktgen sends ACKs, which a sloppy service takes
bench.flows = number("FLOWS", 10000)
-- Packets are made once, a buffer each: (--rxd + --txd) * 16 for each TX queue of the port. More flows are not sent.
bench.buffers = number("BUFFERS", 32768)
bench.trial_s = number("TRIAL", 60)            -- RFC 2544 section 24
bench.warmup_s = number("WARMUP", 5)           -- opens the connections; not counted
bench.settle_s = number("SETTLE", 2)           -- RFC 2544 section 23: what is on its way after the last packet
bench.resolution = number("RESOLUTION", 0.5)   -- percent of the line rate
bench.result = os.getenv("RESULT")             -- a file: .csv, otherwise JSON
bench.sizes = {}
for size in (os.getenv("SIZES") or "64,128,256,512,1024,1280,1518"):gmatch("%d+") do
  bench.sizes[#bench.sizes + 1] = tonumber(size)
end

local function divisor(a, b)
  while b ~= 0 do a, b = b, a % b end
  return a
end

-- Every packet moves the address and the port on by one, both at once: all pairs come only if their numbers have no
-- common divisor. Returns addresses and ports for exactly `flows` flows, or nothing.
function bench.split(flows)
  for ports = math.ceil(flows / 65536), math.min(flows, 64512) do
    local addresses = flows / ports
    if addresses < 1 then return end
    if flows % ports == 0 and addresses <= 65536 and divisor(addresses, ports) == 1 then return flows // ports, ports end
  end
end

-- The next number of flows, from `flows` on, that can be made.
function bench.possible(flows)
  while not bench.split(flows) do flows = flows + 1 end
  return flows
end

local function range(field, start, min, max, inc)
  local set = pktgen.range[field]
  set(bench.send, "start", start)
  set(bench.send, "min", min)
  set(bench.send, "max", max)
  set(bench.send, "inc", inc)
end

local function check()
  local problem
  if not vips[bench.method] then problem = "METHOD=" .. bench.method .. "; use nat, fullnat, direct or tunnel" end
  if bench.flows > bench.buffers then
    problem = string.format("FLOWS=%d, but Pktgen has %d buffers; start it with larger --rxd and --txd or more TX queues " ..
                            "and say BUFFERS=(rxd+txd)*16*queues", bench.flows, bench.buffers)
  elseif not bench.split(bench.flows) then
    problem = string.format("FLOWS=%d cannot be made of addresses and ports; the next that can is %d", bench.flows,
                            bench.possible(bench.flows))
  end
  if problem then error("scripts/pktgen: " .. problem, 0) end
end

function bench.set_size(size)
  range("pkt_size", size, size, size, 0)
  pktgen.set(bench.send, "size", size)
end

-- The flows, not yet sent.
function bench.set_up()
  check()
  local addresses, ports = bench.split(bench.flows)
  local last = addresses - 1
  local last_address = string.format("198.18.%d.%d", last // 256, last % 256)
  local vip, port = vips[bench.method], bench.send
  pktgen.screen("off")
  pktgen.stop(port)
  -- The single packet is what latency probes are made of.
  pktgen.set_mac(port, "dst", "02:00:00:00:00:01")
  pktgen.set_mac(port, "src", "02:00:00:00:01:01")
  pktgen.set_ipaddr(port, "dst", vip)
  pktgen.set_ipaddr(port, "src", "198.18.0.1/16")
  pktgen.set_proto(port, bench.protocol)
  pktgen.set(port, "sport", 1024)
  pktgen.set(port, "dport", 80)
  for name, address in pairs({dst_mac = "02:00:00:00:00:01", src_mac = "02:00:00:00:01:01"}) do
    pktgen.range[name](port, "start", address)
    pktgen.range[name](port, "inc", "00:00:00:00:00:00")
  end
  range("dst_ip", vip, vip, vip, "0.0.0.0")
  range("src_ip", "198.18.0.0", "198.18.0.0", last_address, addresses > 1 and "0.0.0.1" or "0.0.0.0")
  range("dst_port", 80, 80, 80, 0)
  range("src_port", 1024, 1024, 1023 + ports, ports > 1 and 1 or 0)
  pktgen.range.ip_proto(port, bench.protocol)
  bench.set_size(bench.sizes[1])
  pktgen.set(port, "count", 0)
  pktgen.set_range(port, "on")
  bench.say("%d flows: %d addresses, %d ports; %s, %s\n", bench.flows, addresses, ports, bench.method, bench.protocol)
end

local function packets(port, field) return pktgen.portStats(port, "port")[tonumber(port)][field] end

-- One run at `rate` percent of the line rate: {rate, seconds, sent, received, loss}. `beside` is called while it runs,
-- after its time and before the generator stops.
function bench.run(rate, seconds, beside)
  pktgen.set(bench.send, "rate", rate)
  pktgen.clr()
  pktgen.start(bench.send)
  pktgen.delay(math.floor(seconds * 1000))
  local beside_result = beside and beside()
  pktgen.stop(bench.send)
  pktgen.delay(math.floor(bench.settle_s * 1000))
  local sent, received = packets(bench.send, "opackets"), packets(bench.receive, "ipackets")
  local loss = sent == 0 and 1 or (sent - received) / sent
  bench.say("  %.3f %% for %g s: sent %d, back %d, lost %.6f %%\n", rate, seconds, sent, received, loss * 100)
  return {rate = rate, seconds = seconds, sent = sent, received = received, loss = loss, beside = beside_result}
end

-- Opens the connections, slowly enough to lose none of them.
function bench.warm_up()
  if bench.warmup_s > 0 then bench.run(10, bench.warmup_s) end
end

-- The trial with the highest rate at which no more than `allowed` (a share) is lost, by halving; nil: not even the lowest
-- rate is carried so.
function bench.highest(allowed)
  local best
  local low, high, rate = 0, 100, 100
  while true do
    local trial = bench.run(rate, bench.trial_s)
    if trial.loss <= allowed then low, best = rate, trial else high = rate end
    if high - low <= bench.resolution then return best end
    rate = (low + high) / 2
  end
end

function bench.mpps(trial) return trial.received / trial.seconds / 1e6 end

local function json(value)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" then return tostring(value) end
  if next(value) == nil then return "[]" end
  local parts = {}
  if #value > 0 then
    for _, item in ipairs(value) do parts[#parts + 1] = json(item) end
    return "[" .. table.concat(parts, ",\n ") .. "]"
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do parts[#parts + 1] = string.format("%q: %s", key, json(value[key])) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- Writes rows (tables with the same fields, named in `columns`) to the file that RESULT names.
function bench.write(kind, columns, rows)
  if not bench.result then return end
  local file = assert(io.open(bench.result, "w"))
  if bench.result:match("%.csv$") then
    file:write(table.concat(columns, ","), "\n")
    for _, row in ipairs(rows) do
      local cells = {}
      for i, column in ipairs(columns) do cells[i] = row[column] == nil and "" or tostring(row[column]) end
      file:write(table.concat(cells, ","), "\n")
    end
  else
    file:write(json({kind = kind, date = os.date("!%Y-%m-%dT%H:%MZ"), flows = bench.flows, method = bench.method,
                     protocol = bench.protocol, trial_s = bench.trial_s, pktgen = pktgen.info.Pktgen_Version,
                     dpdk = pktgen.info.DPDK_Version, rows = rows}), "\n")
  end
  file:close()
  bench.say("%s is written\n", bench.result)
end

return bench

-- What scripts/pktgen/*.lua use of Pktgen-DPDK 23.03.0's and later's Lua functions (app/lpktgenlib.c), with their numbers
-- of arguments; a call of anything else, or with other arguments, is an error. Behind them stands a generator of 10 Mpps
-- before a load balancer that carries CAPACITY percent of that, and 0.1 % beside it up to TOLERANCE percent.
local capacity = tonumber(os.getenv("CAPACITY") or 100)
local tolerance = tonumber(os.getenv("TOLERANCE") or capacity)
local line_pps = 10e6

local state = {rate = 100, sending = false, sent = 0, received = 0, range = {}}
local trace = os.getenv("TRACE") and assert(io.open(os.getenv("TRACE"), "w"))

local function pass(ms)
  if not state.sending then return end
  local packets = math.floor(line_pps * state.rate / 100 * ms / 1000)
  state.sent = state.sent + packets
  local lost = 0
  if state.rate > tolerance then lost = packets - math.floor(line_pps * tolerance / 100 * ms / 1000)
  elseif state.rate > capacity then lost = packets // 1000 end
  state.received = state.received + packets - lost
end

local function count(n, most, name, body)
  return function(...)
    local given = select("#", ...)
    if given < n or given > most then error("pktgen." .. name .. ": wrong number of arguments", 2) end
    if trace then
      local words = {}
      for i = 1, given do words[i] = tostring((select(i, ...))) end
      trace:write(name, " ", table.concat(words, " "), "\n")
      trace:flush()
    end
    if body then return body(...) end
  end
end

-- A table that knows what it lacks.
local function strict(name, functions)
  return setmetatable(functions, {__index = function(_, key) error("Pktgen has no " .. name .. "." .. tostring(key), 2) end})
end

local function range(name, n)
  return count(n or 3, n or 3, "range." .. name)
end

local sampler_file, sampler_rate

pktgen = strict("pktgen", {
  set = count(3, 3, "set", function(_, what, value)
    local known = {count = 1, size = 1, rate = 1, sport = 1, dport = 1, burst = 1, ttl = 1, vlan = 1, prime = 1}
    if not known[what] then error("pktgen.set: no '" .. what .. "'", 3) end
    if what == "rate" then state.rate = assert(tonumber(value)) end
  end),
  set_mac = count(3, 3, "set_mac"),
  set_ipaddr = count(3, 3, "set_ipaddr"),
  set_proto = count(2, 2, "set_proto"),
  set_range = count(2, 2, "set_range"),
  screen = count(1, 1, "screen"),
  start = count(1, 1, "start", function() state.sending = true end),
  stop = count(1, 1, "stop", function() state.sending = false end),
  delay = count(1, 1, "delay", function(ms)
    assert(math.type(ms) == "integer", "pktgen.delay takes whole milliseconds")
    pass(ms)
  end),
  clr = count(0, 0, "clr", function() state.sent, state.received = 0, 0 end),
  portStats = count(2, 2, "portStats", function(port, kind)
    assert(kind == "port" or kind == "rate")
    return {[tonumber(port)] = {opackets = state.sent, ipackets = state.received}, n = 1}
  end),
  pktStats = count(1, 1, "pktStats", function(port)
    return {[tonumber(port)] = {latency = {min_us = 5.0, avg_us = 10.0 + state.rate, max_us = 200.0, num_pkts = 1000,
                                           num_skipped = 0, jitter_count = 0}}, n = 1}
  end),
  latency = count(2, 3, "latency"),
  latsampler_params = count(5, 5, "latsampler_params", function(_, kind, _, rate, file)
    assert(kind == "simple" or kind == "poisson")
    sampler_file, sampler_rate = file, rate
  end),
  latsampler = count(2, 2, "latsampler", function(_, what)
    if what ~= "disable" or not sampler_rate then return end
    local file = assert(io.open(sampler_file, "w"))
    file:write("Latency\n")
    for i = 1000, 1, -1 do file:write(i * 1000, "\n") end
    file:close()
  end),
  info = strict("pktgen.info", {Pktgen_Version = "stub", DPDK_Version = "stub"}),
  range = strict("pktgen.range", {
    dst_mac = range("dst_mac"), src_mac = range("src_mac"), dst_ip = range("dst_ip"), src_ip = range("src_ip"),
    dst_port = range("dst_port"), src_port = range("src_port"), pkt_size = range("pkt_size"), ip_proto = range("ip_proto", 2),
  }),
})

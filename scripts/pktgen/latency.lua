-- Pktgen-DPDK: RFC 2544 section 26.2: latency at 10, 50 and 90 percent of the rate without loss, for each frame size. The
-- rate is searched first, or said: NDR=37.5 (percent of the line rate, for all sizes). Pktgen puts its stamp into probes of
-- its own, UDP to port 1028 of the VIP. They come back under nat and fullnat with a reflector, and under direct with the
-- reals' port cabled to Pktgen (RECEIVE=1); inside a tunnel Pktgen does not see its stamp.
-- See bench.lua for all settings. Checked against Pktgen's Lua functions (tests/scripts/pktgen_lua_test.py), not run with it.
package.path = (debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "?.lua;" .. package.path
local bench = require "bench"

local given = tonumber(os.getenv("NDR") or "")
local shares = {10, 50, 90}
local probe_us = tonumber(os.getenv("PROBE_US") or 1000)  -- one probe each; some are lost to no harm, see num_skipped
local samples_file = os.getenv("SAMPLES") or os.tmpname()

-- Percentiles of the sampler's file: a headline, then nanoseconds, one a line.
local function percentiles()
  local samples, file = {}, io.open(samples_file)
  if not file then return {} end
  for line in file:lines() do samples[#samples + 1] = tonumber(line) end
  file:close()
  table.sort(samples)
  local function at(share)
    return #samples > 0 and samples[math.max(1, math.ceil(#samples * share))] / 1000 or nil
  end
  return {p50_us = at(0.5), p99_us = at(0.99), p999_us = at(0.999)}
end

local function run(size, rate, share)
  local seconds = bench.trial_s
  os.remove(samples_file)
  local port = bench.receive
  pktgen.latency(bench.send, "rate", probe_us)
  pktgen.latency(bench.send, "enable")
  if port ~= bench.send then pktgen.latency(port, "enable") end
  pktgen.latsampler_params(port, "simple", math.floor(seconds * 1e6 / probe_us), math.floor(1e6 / probe_us), samples_file)
  pktgen.latsampler(port, "enable")
  local trial = bench.run(rate, seconds, function() return pktgen.pktStats(port)[tonumber(port)].latency end)
  pktgen.latsampler(port, "disable")
  pktgen.latency(bench.send, "disable")
  if port ~= bench.send then pktgen.latency(port, "disable") end
  local seen, row = trial.beside, percentiles()
  row.size, row.share_percent, row.rate_percent, row.mpps = size, share, rate, bench.mpps(trial)
  row.min_us, row.avg_us, row.max_us, row.probes = seen.min_us, seen.avg_us, seen.max_us, seen.num_pkts
  bench.say("%d bytes at %d %% of NDR: min %.1f us, average %.1f us, max %.1f us, %d probes\n", size, share, row.min_us,
         row.avg_us, row.max_us, row.probes)
  return row
end

bench.set_up()
bench.warm_up()
local rows = {}
for _, size in ipairs(bench.sizes) do
  bench.set_size(size)
  local best = given and {rate = given} or bench.highest(0)
  if not best then bench.say("%d bytes: no rate without loss, so no latency\n", size) end
  for _, share in ipairs(best and shares or {}) do
    rows[#rows + 1] = run(size, best.rate * share / 100, share)
  end
end
bench.write("latency", {"size", "share_percent", "rate_percent", "mpps", "probes", "min_us", "avg_us", "max_us", "p50_us",
                        "p99_us", "p999_us"}, rows)

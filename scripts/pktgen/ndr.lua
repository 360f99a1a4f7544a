-- Pktgen-DPDK: RFC 2544 throughput of the flows that range.lua sets up, for every frame size: the highest rate without
-- loss (NDR) and the highest with at most 0.5 % loss (PDR). Run range.lua first; replies must come back to `recvport`.
-- For shuntd -c config/examples/bench.yaml. Not run here: Pktgen-DPDK is not in Debian.
package.path = package.path .. ";?.lua;../?.lua"
require "Pktgen"

local sendport, recvport = "0", "0"
local sizes = {64, 128, 256, 512, 1024, 1280, 1518}
local trial_ms = 60000     -- RFC 2544 section 24; 10000 for a quick look
local resolution = 0.5     -- percent of the line rate

-- The share of packets that did not come back at `rate` percent.
local function loss(rate)
  pktgen.clr()
  pktgen.set(sendport, "rate", rate)
  pktgen.start(sendport)
  pktgen.delay(trial_ms)
  pktgen.stop(sendport)
  pktgen.delay(2000)
  local sent = pktgen.portStats(sendport, "port")[tonumber(sendport)].opackets
  local came = pktgen.portStats(recvport, "port")[tonumber(recvport)].ipackets
  printf("  %.2f %%: sent %d, back %d\n", rate, sent, came)
  return sent == 0 and 1 or (sent - came) / sent
end

-- The highest rate (percent) at which no more than `allowed` is lost.
local function highest(allowed)
  local low, high = 0, 100
  if loss(high) <= allowed then return high end
  while high - low > resolution do
    local rate = (low + high) / 2
    if loss(rate) <= allowed then low = rate else high = rate end
  end
  return low
end

for _, size in ipairs(sizes) do
  for _, edge in ipairs({"start", "min", "max"}) do pktgen.range.pkt_size(sendport, edge, size) end
  printf("%d bytes: NDR %.2f %% of the line rate\n", size, highest(0))
  printf("%d bytes: PDR %.2f %% of the line rate\n", size, highest(0.005))
end

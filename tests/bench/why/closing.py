"""What the figures mean and what they cannot say, printed under them."""


def lines(cores, ttl):
    cpus = f"The {cores} CPUs of this machine are shared by" if cores else "The CPUs of this machine are shared by"
    return [
        "",
        "How to read this",
        f"- {cpus} clients, dispatcher, kernel and all the reals. More reals bring no more",
        "  throughput here; elsewhere that is what they are for. Throughput says what a dispatcher costs each request, not how",
        "  far it scales, and one server alone is fastest because nothing stands before it. Each real is a process of its own:",
        "  a hundred of them in use crowd the CPUs' caches, which is why every figure is worse with more.",
        "- shuntd runs on TAP devices here: a system call for every packet, no offloads. On a network card with a DPDK driver",
        "  there is none, and its CPU per request is what 'scripts/bench path' says. Its worker polls: it takes what the CPU",
        "  has left, so its process time is no measure of work; its own count leaves idle polls out.",
        "- Process time includes kernel work done in a process's system calls. Between namespaces, that is also the",
        "  receiver's: proxies and shuntd are charged for it alike, DNS and one server are not, as the clients are.",
        f"- TTLs are {ttl} s instead of 60 s or more so that a run sees several. What DNS loses after a death and how long a real",
        f"  stays in use after its removal grows with the TTL; {60 // ttl} times is the least that is common. A monitor that edits the zone",
        "  at once is the best case; without one, requests fail until somebody notices.",
        "- Balance between reals does not depend on the machine: it is counted in requests. How uneven DNS is depends on how",
        "  few sites there are and how unequal: real crowds have more sites, and large providers' resolvers are larger ones.",
        "- A proxy sends a request that found no server to another one, so it hides a death better than a layer 4 dispatcher,",
        "  which has only packets: clients of Shunt meet the dead real until its check has noticed. The proxy pays for that",
        "  with two connections for each and all bytes through its memory, and its own death takes all of them.",
        "- The dispatcher itself does not die here, and none has a stand-by.",
    ]

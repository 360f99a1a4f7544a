// A link that loses one in five TCP segments on their way in, of whatever kind. Attached to an interface as generic XDP.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int lose(struct xdp_md* ctx) {
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = (void*)(long)ctx->data;
  if ((void*)(eth + 1) + sizeof(struct ipv6hdr) > end) return XDP_PASS;
  const struct iphdr* ip = (void*)(eth + 1);
  const struct ipv6hdr* ip6 = (void*)(eth + 1);
  const int is_tcp = (eth->h_proto == bpf_htons(ETH_P_IP) && ip->protocol == IPPROTO_TCP) ||
                     (eth->h_proto == bpf_htons(ETH_P_IPV6) && ip6->nexthdr == IPPROTO_TCP);
  return is_tcp && bpf_get_prandom_u32() % 5 == 0 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";

// The real server's end of an IPIP tunnel, for kernels without an ipip device: takes the outer IPv4 header off and
// passes what was inside on to the stack. Attached to the real's interface as generic XDP.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int decap_ipip(struct xdp_md* ctx) {
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = (void*)(long)ctx->data;
  struct iphdr* outer = (void*)(eth + 1);
  if ((void*)(outer + 1) > end) return XDP_PASS;
  if (eth->h_proto != bpf_htons(ETH_P_IP) || outer->protocol != IPPROTO_IPIP || outer->ihl != 5) return XDP_PASS;
  if ((void*)(outer + 1) + sizeof(struct iphdr) > end) return XDP_PASS;

  // The Ethernet header moves up over the outer IP header; copied first, as both places share the same bytes.
  struct ethhdr saved = *eth;
  struct ethhdr* moved = (void*)eth + sizeof(struct iphdr);
  if ((void*)(moved + 1) > end) return XDP_PASS;
  *moved = saved;
  return bpf_xdp_adjust_head(ctx, sizeof(struct iphdr)) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";

// The real server's end of a tunnel, for kernels without devices for it: takes the outer headers off (IP in IP, GRE, GUE)
// and passes what was inside on to the stack. Either family in either. Checksums are left to those who look at them.
// Attached to the real's interface as generic XDP.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define GUE_PORT 6080

struct gre {
  __be16 flags;
  __be16 type;
};
#define GRE_HAS_CHECKSUM bpf_htons(0x8000)

struct gue {
  __u8 version_and_length;
  __u8 protocol;
  __be16 flags;
};

// Takes `bytes` off behind the Ethernet header, a constant to the verifier once this is inlined.
static __always_inline int take_off(struct xdp_md* ctx, __u32 bytes, __be16 type) {
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = (void*)(long)ctx->data;
  if (type != bpf_htons(ETH_P_IP) && type != bpf_htons(ETH_P_IPV6)) return XDP_PASS;
  if ((void*)(eth + 1) + bytes > end) return XDP_PASS;

  // The Ethernet header moves up over the outer headers; copied first, as both places may share bytes.
  struct ethhdr saved = *eth;
  saved.h_proto = type;
  *(struct ethhdr*)((void*)eth + bytes) = saved;
  return bpf_xdp_adjust_head(ctx, bytes) ? XDP_DROP : XDP_PASS;
}

static __always_inline __be16 type_of(__u8 protocol) {
  if (protocol == IPPROTO_IPIP) return bpf_htons(ETH_P_IP);
  return protocol == IPPROTO_IPV6 ? bpf_htons(ETH_P_IPV6) : 0;
}

static __always_inline int take_off_gre(struct xdp_md* ctx, __u32 ip_bytes) {
  struct gre* gre = (void*)(long)ctx->data + sizeof(struct ethhdr) + ip_bytes;
  if ((void*)(gre + 1) > (void*)(long)ctx->data_end) return XDP_PASS;
  __be16 type = gre->type;
  if (gre->flags == 0) return take_off(ctx, ip_bytes + sizeof *gre, type);
  if (gre->flags == GRE_HAS_CHECKSUM) return take_off(ctx, ip_bytes + sizeof *gre + 4, type);
  return XDP_PASS;
}

static __always_inline int take_off_gue(struct xdp_md* ctx, __u32 ip_bytes) {
  struct udphdr* udp = (void*)(long)ctx->data + sizeof(struct ethhdr) + ip_bytes;
  struct gue* gue = (void*)(udp + 1);
  if ((void*)(gue + 1) > (void*)(long)ctx->data_end) return XDP_PASS;
  if (udp->dest != bpf_htons(GUE_PORT) || gue->version_and_length != 0 || gue->flags != 0) return XDP_PASS;
  return take_off(ctx, ip_bytes + sizeof *udp + sizeof *gue, type_of(gue->protocol));
}

static __always_inline int take_off_any(struct xdp_md* ctx, __u32 ip_bytes, __u8 protocol) {
  if (protocol == IPPROTO_GRE) return take_off_gre(ctx, ip_bytes);
  if (protocol == IPPROTO_UDP) return take_off_gue(ctx, ip_bytes);
  return take_off(ctx, ip_bytes, type_of(protocol));
}

SEC("xdp")
int decap(struct xdp_md* ctx) {
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = (void*)(long)ctx->data;
  if ((void*)(eth + 1) > end) return XDP_PASS;
  if (eth->h_proto == bpf_htons(ETH_P_IP)) {
    struct iphdr* outer = (void*)(eth + 1);
    if ((void*)(outer + 1) > end || outer->ihl != 5) return XDP_PASS;
    return take_off_any(ctx, sizeof *outer, outer->protocol);
  }
  if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr* outer = (void*)(eth + 1);
    if ((void*)(outer + 1) > end) return XDP_PASS;
    return take_off_any(ctx, sizeof *outer, outer->nexthdr);
  }
  return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";

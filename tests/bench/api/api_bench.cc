// What changes cost over the API of a running shuntd with ten thousand services: api_bench --help; scripts/bench api starts
// the daemon. Times are a client's: from its call to the answer, which comes when the workers' snapshot is published and
// the state is on disk.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "shunt/v1/api.grpc.pb.h"

namespace shunt::bench {
namespace {

using Clock = std::chrono::steady_clock;
using v1::Shunt;

struct Wanted {
  std::string socket;
  int pid = 0;
  uint32_t services = 10000;
  uint32_t reals_each = 10;
  uint32_t tries = 50;
  bool json = false;
};

struct Row {
  std::string name;
  double value = 0;
  std::string unit;
  std::optional<double> target;
  std::string note;
  bool met() const { return !target || value <= *target; }
};

std::string dotted(uint32_t address) {
  return std::to_string(address >> 24) + "." + std::to_string(address >> 16 & 255) + "." +
         std::to_string(address >> 8 & 255) + "." + std::to_string(address & 255);
}

v1::Service service_of(uint32_t index, uint32_t reals) {
  v1::Service service;
  service.set_name("service-" + std::to_string(index));
  service.set_protocol(v1::PROTOCOL_TCP);
  service.set_address(dotted(0xcb000000u + index));
  service.set_port(443);
  service.set_scheduler(v1::SCHEDULER_WRR);
  service.set_method(v1::METHOD_NAT);
  service.mutable_health_check()->set_disabled(true);
  for (uint32_t j = 0; j < reals; ++j) {
    v1::Real& real = *service.add_reals();
    real.set_address(dotted(0x0a010000u + (index * 7 + j * 1001) % 60000));
    real.set_port(8443);
    real.set_weight(10);
  }
  return service;
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(static_cast<double>(values.size()) * part))];
}

class Bench {
 public:
  explicit Bench(const Wanted& wanted) : wanted_(wanted), stub_(stub()) {
    for (uint32_t i = 0; i < wanted.services; ++i) *state_.add_services() = service_of(i, wanted.reals_each);
  }

  std::vector<Row> run() {
    add_memory("memory at the start");
    add("apply of the whole state", apply(), "ms", 2000);
    add("apply of the same state", apply(), "ms");
    state_.mutable_services(77)->mutable_reals(1)->set_weight(11);
    add("apply that changes one weight", apply(), "ms");
    edits();
    add_timed("set-weight (an override)", [this](uint32_t i) { set_weight(i); });
    swap();
    race();
    v1::GetResponse got;
    add("get", timed([&] { call(&Shunt::Stub::Get, v1::GetRequest(), got); }), "ms");
    v1::ListServicesResponse listed;
    add("list of all services", timed([&] { call(&Shunt::Stub::ListServices, v1::ListServicesRequest(), listed); }), "ms");
    add_memory("memory at the end");
    return rows_;
  }

 private:
  std::unique_ptr<Shunt::Stub> stub() const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return Shunt::NewStub(grpc::CreateCustomChannel("unix:" + wanted_.socket, grpc::InsecureChannelCredentials(), arguments));
  }

  template <typename Request, typename Response>
  void call(grpc::Status (Shunt::Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
            Response& response) {
    grpc::ClientContext context;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    if (status.ok()) return;
    std::fprintf(stderr, "api_bench: %s\n", status.error_message().c_str());
    std::exit(2);
  }

  static double timed(const std::function<void()>& work) {
    const auto begun = Clock::now();
    work();
    return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
  }

  void add(std::string name, double value, std::string unit, std::optional<double> target = {}, std::string note = "") {
    rows_.push_back({std::move(name), value, std::move(unit), target, std::move(note)});
    if (!wanted_.json) print(rows_.back());
  }
  void add_timed(std::string name, const std::function<void(uint32_t)>& work, std::optional<double> target = {}) {
    std::vector<double> times;
    for (uint32_t i = 0; i < wanted_.tries; ++i) times.push_back(timed([&] { work(i); }));
    char note[96];
    std::snprintf(note, sizeof note, "median of %u, worst tenth %.1f, worst %.1f", wanted_.tries, percentile(times, 0.9),
                  percentile(times, 1));
    add(std::move(name), percentile(times, 0.5), "ms", target, note);
  }
  void add_memory(const std::string& name) {
    std::ifstream status("/proc/" + std::to_string(wanted_.pid) + "/status");
    double now = 0, most = 0;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) now = std::stod(line.substr(6)) / 1024;
      if (line.starts_with("VmHWM:")) most = std::stod(line.substr(6)) / 1024;
    }
    add(name, now, "MiB", {}, "the most so far " + std::to_string(static_cast<int>(most)) + " MiB");
  }
  static void print(const Row& row) {
    std::printf("%-34s %9.2f %-4s", row.name.c_str(), row.value, row.unit.c_str());
    if (row.target) std::printf(" target %g: %s", *row.target, row.met() ? "met" : "MISSED");
    std::printf("%s%s\n", row.note.empty() ? "" : "  ", row.note.c_str());
    std::fflush(stdout);
  }

  double apply() {
    v1::ApplyRequest request;
    *request.mutable_state() = state_;
    v1::ApplyResponse response;
    return timed([&] { call(&Shunt::Stub::Apply, request, response); });
  }

  // Spread over the services.
  uint32_t place(uint32_t i) const { return static_cast<uint32_t>(uint64_t{i} * 499 % wanted_.services); }
  std::string service_name(uint32_t i) const { return state_.services(static_cast<int>(place(i))).name(); }
  std::string real_name(uint32_t i) const {
    const v1::Real& real = state_.services(static_cast<int>(place(i))).reals(3);
    return real.address() + ":" + std::to_string(real.port());
  }

  void edit(const std::function<void(v1::Edit&)>& fill) {
    v1::EditRequest request;
    fill(*request.add_edits());
    v1::ApplyResponse response;
    call(&Shunt::Stub::Edit, request, response);
    if (response.changes().empty()) std::fprintf(stderr, "api_bench: an edit changed nothing\n");
  }
  void edit_weight(uint32_t i, uint32_t weight) {
    edit([&](v1::Edit& out) {
      auto& update = *out.mutable_update_real();
      update.set_service(service_name(i));
      update.set_real(real_name(i));
      update.mutable_values()->set_weight(weight);
    });
  }
  void set_weight(uint32_t i) {
    v1::SetWeightRequest request;
    request.set_service(service_name(i));
    request.set_real(real_name(i));
    request.set_weight(50 + i);
    v1::ApplyResponse response;
    call(&Shunt::Stub::SetWeight, request, response);
  }

  void edits() {
    add_timed("edit of one weight", [this](uint32_t i) { edit_weight(i, 20 + i); }, 20);
    add_timed("edit that adds a real", [this](uint32_t i) {
      edit([&](v1::Edit& out) {
        out.mutable_add_real()->set_service(service_name(i));
        out.mutable_add_real()->mutable_real()->set_address(dotted(0x0a020000u + i));
        out.mutable_add_real()->mutable_real()->set_port(8443);
      });
    });
    add_timed("edit that removes a real", [this](uint32_t i) {
      edit([&](v1::Edit& out) {
        out.mutable_remove_real()->set_service(service_name(i));
        out.mutable_remove_real()->set_real(dotted(0x0a020000u + i) + ":8443");
      });
    });
    add_timed("edit that adds a service", [this](uint32_t i) {
      edit([&](v1::Edit& out) {
        *out.mutable_add_service()->mutable_service() = service_of(1'000'000 + i, wanted_.reals_each);
      });
    });
    add_timed("edit that removes a service", [this](uint32_t i) {
      edit([&](v1::Edit& out) { out.mutable_remove_service()->set_name("service-" + std::to_string(1'000'000 + i)); });
    });
  }

  // The snapshot that the slowest worker has.
  uint64_t snapshot() {
    v1::ListWorkersResponse workers;
    call(&Shunt::Stub::ListWorkers, v1::ListWorkersRequest(), workers);
    uint64_t least = UINT64_MAX;
    for (const auto& worker : workers.workers()) least = std::min(least, worker.snapshot());
    return least;
  }
  void swap() {
    std::vector<double> times;
    for (uint32_t i = 0; i < wanted_.tries; ++i) {
      const uint64_t before = snapshot();
      edit_weight(i, 100 + i);
      times.push_back(timed([&] {
        while (snapshot() == before) {
        }
      }));
    }
    add("until every worker has the swap", percentile(times, 0.5), "ms", {},
        "after the answer, one question included; worst " + std::to_string(percentile(times, 1)));
  }

  // Two who read the same revision: one wins, the other is told so.
  void race() {
    constexpr int kRounds = 20;
    std::array<std::unique_ptr<Shunt::Stub>, 2> stubs{stub(), stub()};
    int wins = 0, conflicts = 0, others = 0;
    std::string said;
    for (int round = 0; round < kRounds; ++round) {
      v1::Status status;
      call(&Shunt::Stub::GetStatus, v1::GetStatusRequest(), status);
      std::array<grpc::Status, 2> ends;
      std::barrier start(2);
      const auto write = [&](size_t who) {
        v1::EditRequest request;
        request.set_expected_revision(status.revision());
        auto& update = *request.add_edits()->mutable_update_real();
        update.set_service(service_name(static_cast<uint32_t>(who)));
        update.set_real(real_name(static_cast<uint32_t>(who)));
        update.mutable_values()->set_weight(1000 + static_cast<uint32_t>(round));
        v1::ApplyResponse response;
        grpc::ClientContext context;
        start.arrive_and_wait();
        ends[who] = stubs[who]->Edit(&context, request, &response);
      };
      std::jthread other(write, 1);
      write(0);
      other.join();
      for (const grpc::Status& end : ends) {
        if (end.ok()) ++wins;
        else if (end.error_code() == grpc::StatusCode::ABORTED) ++conflicts, said = end.error_message();
        else ++others;
      }
    }
    const bool fair = wins == kRounds && conflicts == kRounds && others == 0;
    add("two writers race: rounds without one winner", fair ? 0 : kRounds + others - std::min(wins, conflicts), "", 0,
        std::to_string(wins) + " won, " + std::to_string(conflicts) + " were told: " + said);
  }

  const Wanted wanted_;
  std::unique_ptr<Shunt::Stub> stub_;
  v1::DesiredState state_;
  std::vector<Row> rows_;
};

int run(int argc, char** argv) {
  Wanted wanted;
  CLI::App app("Measures changes of a big state over the API of a running shuntd, which they replace: run scripts/bench api.",
               "api_bench");
  app.add_option("--socket", wanted.socket, "The daemon's UNIX socket")->required();
  app.add_option("--pid", wanted.pid, "The daemon's process")->required();
  app.add_option("--services", wanted.services, "Services (10000)")->check(CLI::Range(100, 60000));
  app.add_option("--reals", wanted.reals_each, "Reals of each (10)")->check(CLI::Range(4, 50));
  app.add_option("--tries", wanted.tries, "Of each edit (50)")->check(CLI::Range(1, 200));
  app.add_flag("--json", wanted.json, "One JSON object a line");
  CLI11_PARSE(app, argc, argv);
  const auto rows = Bench(wanted).run();
  for (const Row& row : rows) {
    if (!wanted.json) continue;
    nlohmann::ordered_json line = {{"case", row.name}, {"value", row.value}, {"unit", row.unit}, {"note", row.note}};
    if (row.target) line["target"] = *row.target;
    std::printf("%s\n", line.dump().c_str());
  }
  return std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row.met(); }) ? 0 : 1;
}

}  // namespace
}  // namespace shunt::bench

int main(int argc, char** argv) { return shunt::bench::run(argc, argv); }

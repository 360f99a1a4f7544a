#include "control/rpc/answers.h"

#include <utility>

#include "config/problem.h"
#include "control/journal.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

grpc::Status refused(const char* reason, const std::string& cause, const std::string& remedy) {
  return to_status(std::vector<config::Problem>{{"idempotency_key", "", reason, cause, remedy, {}}});
}

// Tells requests apart; a key is not handed out twice by chance and to match.
std::string print_of(const google::protobuf::Message& request) {
  const std::string bytes = request.SerializeAsString();
  return request.GetTypeName() + " " + std::to_string(bytes.size()) + " " + std::to_string(content_hash(bytes));
}

}  // namespace

void Answers::forget(Place place) {
  bytes_ -= (*place)->bytes;
  by_key_.erase((*place)->key);
  answers_.erase(place);
}

void Answers::forget_old() {
  const auto now = now_();
  for (auto each = answers_.begin(); each != answers_.end();) {
    const auto place = each++;
    if (!(*place)->is_done) continue;
    const bool is_last = std::next(place) == answers_.end();
    const bool is_old = now - (*place)->time > kKept;
    if (is_old || answers_.size() > kMaxAnswers || (bytes_ > kMaxBytes && !is_last)) forget(place);
  }
}

grpc::Status Answers::once(const std::string& key, const google::protobuf::Message& request, v1::ApplyResponse* response,
                           const std::function<grpc::Status(v1::ApplyResponse*)>& work) {
  if (key.empty()) return work(response);
  if (key.size() > kMaxKeyBytes) {
    return refused(config::reason::kOutOfRange, "the key has " + std::to_string(key.size()) + " bytes",
                   "use one of at most " + std::to_string(kMaxKeyBytes));
  }
  const std::string print = print_of(request);
  std::shared_ptr<Answer> own;
  {
    std::unique_lock lock(mutex_);
    forget_old();
    for (auto found = by_key_.find(key); found != by_key_.end(); found = by_key_.find(key)) {
      const std::shared_ptr<Answer> answer = *found->second;
      if (answer->request != print) {
        return refused(config::reason::kConflict, "the key was used for another request",
                       "give each change a key of its own, and repeat it as it was");
      }
      if (answer->is_done) {
        *response = answer->response;
        return grpc::Status::OK;
      }
      done_.wait(lock);
    }
    own = std::make_shared<Answer>();
    own->key = key;
    own->request = print;
    by_key_.emplace(key, answers_.insert(answers_.end(), own));
  }
  const grpc::Status status = work(response);
  {
    const std::lock_guard lock(mutex_);
    if (status.ok()) {
      own->is_done = true;
      own->time = now_();
      own->response = *response;
      own->bytes = response->ByteSizeLong();
      bytes_ += own->bytes;
      forget_old();
    } else {
      forget(by_key_.at(key));
    }
  }
  done_.notify_all();
  return status;
}

}  // namespace shunt::control::rpc

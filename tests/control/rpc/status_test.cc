#include "control/rpc/status.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "shunt/v1/api.pb.h"

namespace shunt::control::rpc {
namespace {

using testing::EndsWith;

std::vector<config::Problem> problems(size_t count) {
  std::vector<config::Problem> result;
  for (size_t i = 0; i < count; ++i) {
    const std::string field = "services[" + std::to_string(i) + "].port";
    result.push_back({field, "service s" + std::to_string(i), config::reason::kOutOfRange, "port 70000 exceeds 65535",
                      "lower it", {}});
  }
  return result;
}

v1::ErrorStatus details_of(const grpc::Status& status) {
  v1::ErrorStatus details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

// The message comes as a copy each time.
long lines_after_first(const grpc::Status& status) {
  const std::string message = status.error_message();
  return std::count(message.begin(), message.end(), '\n');
}

TEST(Status, EveryErrorCodeHasItsOwn) {
  EXPECT_EQ(to_status(Error{ErrorCode::kInvalid, "x"}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(to_status(Error{ErrorCode::kNotFound, "x"}).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(to_status(Error{ErrorCode::kConflict, "x"}).error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(to_status(Error{ErrorCode::kPermission, "x"}).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(to_status(Error{ErrorCode::kNoMemory, "x"}).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(to_status(Error{ErrorCode::kUnavailable, "x"}).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(to_status(Error{ErrorCode::kInternal, "x"}).error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(to_status(Error{ErrorCode::kInternal, "why"}).error_message(), "why");
}

TEST(Status, ProblemsAreLinesAndDetails) {
  const grpc::Status status = to_status(problems(2));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(lines_after_first(status), 1);
  const v1::ErrorStatus details = details_of(status);
  EXPECT_EQ(details.code(), 3);
  ASSERT_EQ(details.details_size(), 2);
  v1::ErrorDetail detail;
  ASSERT_TRUE(details.details(1).UnpackTo(&detail));
  EXPECT_EQ(detail.field(), "services[1].port");
  EXPECT_EQ(detail.reason(), "OUT_OF_RANGE");
  EXPECT_EQ(detail.cause(), "port 70000 exceeds 65535");
  EXPECT_EQ(detail.remedy(), "lower it");
}

TEST(Status, ManyProblemsStayWithinTheMetadataThatEveryClientTakes) {
  const grpc::Status status = to_status(problems(10000));
  const long lines = lines_after_first(status);
  EXPECT_GT(lines, 20);
  EXPECT_THAT(status.error_message(), EndsWith("\n... and " + std::to_string(10000 - lines) + " more problems"));
  EXPECT_GT(details_of(status).details_size(), 5);
  // Base64 and percent-encoding as they go over the wire, and room for the other trailers.
  const size_t encoded = status.error_message().size() + 2 * static_cast<size_t>(lines);
  EXPECT_LT(encoded + status.error_details().size() * 4 / 3, 8192 - 512);
}

TEST(Status, AnEndlessMessageIsCutAtACharacter) {
  std::string message = "x";
  for (int i = 0; i < 5000; ++i) message += "\xc3\xa4";
  const std::string cut = to_status(Error{ErrorCode::kInternal, message}).error_message();
  EXPECT_LT(cut.size() * 3, 3300U);
  EXPECT_THAT(cut, EndsWith("\xc3\xa4..."));
}

}  // namespace
}  // namespace shunt::control::rpc

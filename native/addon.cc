#include <napi.h>

#include "control_socket.h"
#include "memfd.h"
#include "out_of_memory.h"
#include "poller.h"
#include "sockets.h"
#include "zygote.h"

namespace nodespawner {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  const struct {
    const char* name;
    Napi::Value (*function)(const Napi::CallbackInfo&);
  } table[] = {
      {"socketPair", SocketPair},
      {"pipe", Pipe},
      {"sendMessage", SendBytes},
      {"receiveMessage", ReceiveBytes},
      {"hasMessage", HasMessage},
      {"close", Close},
      {"setNonBlocking", SetNonBlocking},
      {"duplicate", Duplicate},
      {"duplicateTo", DuplicateTo},
      {"enableCredentials", EnableCredentials},
      {"sendRequest", SendRequest},
      {"receiveReply", ReceiveReply},
      {"createMemfd", CreateMemfd},
      {"createFilledMemfd", CreateFilledMemfd},
      {"createEmptyMemfd", CreateEmptyMemfd},
      {"closeMemfd", CloseMemfd},
      {"addSeals", AddSeals},
      {"seekHole", SeekHole},
      {"mapPrivate", MapPrivate},
      {"mapUncounted", MapUncounted},
      {"unmap", Unmap},
      {"watch", Watch},
      {"unwatch", Unwatch},
      {"collect", Collect},
      {"setPollerRef", SetPollerRef},
      {"takeBaseline", TakeBaselineBinding},
      {"sealAndServe", SealAndServe},
      {"reportTouchedPages", ReportTouchedPagesBinding},
      {"sealAgain", SealAgain},
      {"isWanted", IsWantedBinding},
      {"pendingRequests", PendingRequests},
      {"resetStartTime", ResetStartTimeBinding},
      {"processId", ProcessId},
      {"reportOutOfMemory", ReportOutOfMemory},
      {"exitNow", ExitNow},
  };
  for (const auto& entry : table) exports.Set(entry.name, Napi::Function::New(env, entry.function, entry.name));
  return exports;
}

NODE_API_MODULE(nodespawner, Initialize)

}  // namespace nodespawner

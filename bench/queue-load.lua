-- Send, receive and delete, one after the other over all connections: each answer with a receipt leads to a
-- deletion, and else a send and a receive take turns. Counts what was deleted.
local url = os.getenv("QUEUE_URL")
local body = string.rep("x", 256)
local receipts = {}
local turn = 0
deleted = 0
failed = 0

local function call(action, fields)
  return wrk.format("POST", "/", {
    ["Content-Type"] = "application/x-amz-json-1.0",
    ["X-Amz-Target"] = "AmazonSQS." .. action,
    ["Authorization"] = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
  }, '{"QueueUrl":"' .. url .. '"' .. fields .. "}")
end

local send = nil
local receive = nil

function init()
  send = call("SendMessage", ',"MessageBody":"' .. body .. '"')
  receive = call("ReceiveMessage", ',"MaxNumberOfMessages":1')
end

function request()
  local receipt = table.remove(receipts)
  if receipt then
    deleted = deleted + 1
    return call("DeleteMessage", ',"ReceiptHandle":"' .. receipt .. '"')
  end
  turn = turn + 1
  if turn % 2 == 1 then return send end
  return receive
end

function response(status, headers, text)
  if status ~= 200 then failed = failed + 1 end
  local receipt = string.match(text, '"ReceiptHandle"%s*:%s*"([^"]+)"')
  if receipt then table.insert(receipts, receipt) end
end

local threads = {}
function setup(thread) table.insert(threads, thread) end

function done(summary)
  local all, bad = 0, 0
  for _, thread in ipairs(threads) do
    all = all + thread:get("deleted")
    bad = bad + thread:get("failed")
  end
  print("Deleted: " .. all .. " Failed: " .. bad)
end

"""A Swiftpass gateway from the published rules: checks the MD5 signature of each call and answers it, signed.

Prints its port. Ends with its standard input.
"""
import hashlib, http.server, os, re, sys, threading

KEY, MERCHANT = "9d101c97133837e13dde2d32a5054abb", "7551000001"
SEEN = set()
NEEDED = {
    "unified.trade.native": {"body", "total_fee", "mch_create_ip", "notify_url", "time_start", "time_expire"},
    "unified.trade.micropay": {"body", "total_fee", "mch_create_ip", "auth_code"},
    "unified.trade.query": set(),
    "unified.micropay.reverse": set(),
    "unified.trade.refund": {"out_refund_no", "total_fee", "refund_fee", "op_user_id"},
    "unified.trade.refundquery": {"out_refund_no"},
    "pay.bill.merchant": {"bill_date", "bill_type"},
}
BILL = """交易时间,商户号,商户订单号,平台订单号,交易状态,总金额,商户退款单号,退款金额,商品名称,手续费
`2026-11-24 00:05:10,`7551000001,`LS00001,`PEER1,`SUCCESS,`12.50,`,`0.00,`停车费, 洗车,`0.04750
`2026-11-24 00:15:10,`7551000001,`LS00001,`PEER1,`REFUND,`12.50,`LSR01,`3.00,`停车费, 洗车,`-0.01140
总交易单数,总交易额,总退款金额,总退款优惠金额,总手续费金额,总实收金额
`2,`12.50,`3.00,`0.00,`0.0361,`9.50
"""


def sign(values):
    kept = sorted((k, v) for k, v in values.items() if k != "sign" and v != "")
    text = "&".join(f"{k}={v}" for k, v in kept) + "&key=" + KEY
    return hashlib.md5(text.encode("utf-8")).hexdigest().upper()


def answer(call):
    service = call["service"]
    said = {"status": "0", "result_code": "0", "mch_id": MERCHANT, "charset": "UTF-8", "sign_type": "MD5",
            "version": "2.0", "nonce_str": call["nonce_str"], "out_trade_no": call["out_trade_no"]}
    money = {"transaction_id": "PEER1", "total_fee": "1250", "fee_type": "CNY", "time_end": "20261124000510"}
    if service.endswith("native"):
        said["code_url"] = "weixin://wxpay/bizpayurl?pr=" + call["total_fee"]
    elif service.endswith("micropay"):
        said.update(money, pay_result="0", attach="")
    elif service.endswith("query") and "refund" not in service:
        said.update(money, trade_state="SUCCESS")
    elif service.endswith("refund"):
        said.update(out_refund_no=call["out_refund_no"], refund_fee=call["refund_fee"])
    elif service.endswith("refundquery"):
        said.update(refund_count="1", out_refund_no_0=call["out_refund_no"], refund_fee_0="300",
                    refund_status_0="SUCCESS")
    said["sign"] = sign(said)
    return "<xml>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in said.items()) + "</xml>"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
        values = dict(re.findall(r"<(\w+)><!\[CDATA\[(.*?)\]\]></\1>", body.replace("]]]]><![CDATA[>", "]]>"), re.S))
        good = (values.get("sign") == sign(values) and values["mch_id"] == MERCHANT
                and NEEDED[values["service"]] <= values.keys() and values["nonce_str"] not in SEEN)
        SEEN.add(values.get("nonce_str"))
        if not good:
            print(values, file=sys.stderr)
        bill = values.get("service", "").startswith("pay.bill")
        text = (BILL if bill else answer(values)) if good else "<xml><status>400</status></xml>"
        text = text.encode("utf-8")
        self.send_response(200)
        self.send_header("Content-Type", "text/xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)

//! Alarms in words an operator understands: what went wrong, and what to do. Raises none.

use super::words::Lang;
use crate::core::{AlarmKind, lane::LaneAlarm};

/// What went wrong, and what to do about it.
pub(super) fn words(l: Lang, kind: AlarmKind) -> (&'static str, &'static str) {
    let lane = |alarm| lane_alarm(l, alarm);
    let two = |zh: (&'static str, &'static str), en: (&'static str, &'static str)| {
        if l.is_zh() { zh } else { en }
    };
    match kind {
        AlarmKind::Lane(alarm) => lane(alarm),
        AlarmKind::DeviceSilent => two(
            ("设备没有响应", "检查电源和网线"),
            ("A device is silent", "Check its power and network cable"),
        ),
        AlarmKind::DeviceNonsense => two(
            ("设备发来无法理解的数据", "检查设备型号与配置是否一致"),
            ("A device talks nonsense", "Check that its profile fits the model"),
        ),
        AlarmKind::DeviceOpened => two(
            ("设备外壳被打开", "到现场查看设备"),
            ("A device's housing is open", "Look at it on the spot"),
        ),
        AlarmKind::DeviceClock => two(
            ("设备时钟不准", "在设备上设置校时服务器"),
            ("A device's clock is off", "Set a time server on the device"),
        ),
        AlarmKind::CallUnanswered => two(
            ("求助无人应答", "在任务页接听"),
            ("Nobody answers a call for help", "Take it on the page of tasks"),
        ),
        AlarmKind::DeviceFlood => two(
            ("设备发送过于频繁", "多余数据已丢弃;检查设备设置或更换设备"),
            ("A device floods", "The rest is dropped; check its settings, or replace it"),
        ),
        AlarmKind::DeviceLogin => two(
            ("设备拒绝登录", "核对 secrets 文件中的密码，然后在设备页测试"),
            ("A device refuses our password", "Correct the secrets file, then test the device"),
        ),
        AlarmKind::PaperOut => two(
            ("打印机缺纸", "装入新纸卷；未打完的收据可能随后打出"),
            (
                "The printer has no paper",
                "Put in a new roll; unfinished receipts may then come out",
            ),
        ),
        AlarmKind::ClockStepped => two(
            ("本机时钟跳变", "检查校时;核对跳变期间的费用"),
            ("This machine's clock jumped", "Check time sync; look at fees around the jump"),
        ),
        AlarmKind::BankSilent => two(
            ("银行没有应答", "检查外网;付款结果会自动查询"),
            (
                "The bank does not answer",
                "Check the uplink; payments are asked about by themselves",
            ),
        ),
        AlarmKind::AmountDiffers => two(
            ("银行金额与订单不符", "不要退款;与银行对账核实"),
            ("The bank names another amount", "Do not refund; settle it with the bank"),
        ),
        AlarmKind::PaymentUndecided => two(
            ("付款长时间没有结果", "会继续查询;可在银行商户后台核对"),
            (
                "A payment is long undecided",
                "It is asked about further; see the bank's merchant site",
            ),
        ),
        AlarmKind::BankCannotSay => two(
            ("该笔付款无法向银行查询", "到银行商户后台查看，然后在付款页登记结果"),
            (
                "The bank cannot be asked about this payment",
                "Look in the bank's merchant site, then say on the page of payments what it says",
            ),
        ),
        AlarmKind::RefundRefused => two(
            ("银行拒绝退款", "请人工退款给车主"),
            ("The bank refused a refund", "Give the money back by hand"),
        ),
        AlarmKind::InvoiceTrouble => two(
            ("开票有问题", "看详情：检查开票程序与交换文件夹"),
            ("An invoice is in trouble", "See the detail: the invoicing program and its folder"),
        ),
        AlarmKind::PaymentUnknown => two(
            ("银行通知了一笔未知付款", "与银行核对该单号"),
            ("The bank tells of an unknown payment", "Ask the bank about this number"),
        ),
        AlarmKind::PlateTwice => two(
            ("同一车牌再次入场", "可能漏记离场或套牌，请看照片"),
            ("The same plate came in twice", "A missed exit or a cloned plate: see the pictures"),
        ),
        AlarmKind::LeftUnpaid => {
            two(("车辆未付款离场", "请看记录"), ("A vehicle left without paying", "See its stay"))
        }
        AlarmKind::ManyPayments => two(
            ("付款过于频繁", "到现场查看：可能有人试码、扫码器卡住，或有人代他人付款"),
            (
                "Very many payments",
                "Go and look: tried codes, a stuck scanner, or somebody who pays for others",
            ),
        ),
        AlarmKind::LimitPassed => two(
            ("当日限额已超出", "查看记录;次日零点自动解除"),
            ("A limit of the day was passed", "Look at the records; it ends at midnight"),
        ),
        AlarmKind::ManyActs => two(
            ("同一人频繁退现、减免", "查看交接班记录;次日零点自动解除"),
            (
                "One person gives up money very often",
                "Look at the shift's records; it ends at midnight",
            ),
        ),
        AlarmKind::FireAlarm => two(
            ("火警：出口已全部常开", "警报解除后逐个车道取消常开"),
            ("Fire alarm: all ways out are open", "When it is over, release each lane by hand"),
        ),
        AlarmKind::AdmissionUnsure => two(
            ("不确定游客是否已通过", "在“通行”页认定"),
            ("Nobody knows whether a visitor went", "Decide it on the admissions page"),
        ),
        AlarmKind::SisterApart => two(
            ("联系不上另一台主机", "检查两台主机之间的网络；期间按设定处理对方的票"),
            (
                "The other daemon of this site is not heard",
                "Check the network between the two; meanwhile its tickets are treated as the site file says",
            ),
        ),
        AlarmKind::WebhookDead => two(
            ("事件接收方一天未应答", "检查接收方，然后在“程序”页重新发送"),
            (
                "A receiver of events took none for a day",
                "Mend it, then send again on the page of programs",
            ),
        ),
        AlarmKind::StatementMissing => two(
            ("银行对账单未到", "在对账页查看；可向银行索取并导入"),
            ("A bank's statement is not there", "See the settlement page; import the bank's file"),
        ),
        AlarmKind::DifferencesOpen => two(
            ("对账差异未处理", "在对账页逐笔处理"),
            ("Differences with a bank are open", "Settle each on the settlement page"),
        ),
        AlarmKind::ShareRefused => two(
            ("银行拒绝分账", "查看分账页；该笔改由付款文件转账"),
            ("A bank refused a partner's part", "See the page of shares; pay it by the file"),
        ),
        AlarmKind::DiskFull => {
            two(("磁盘已满", "立即清理磁盘"), ("The disk takes no more", "Free space now"))
        }
        AlarmKind::Overload => two(
            ("系统过载", "查看详情中丢弃了什么"),
            ("More comes in than can be handled", "See in the detail what was shed"),
        ),
        AlarmKind::BrokerDown => two(
            ("消息服务中断", "检查 MQTT 服务"),
            ("The message broker is down", "Check the MQTT broker"),
        ),
    }
}

fn lane_alarm(l: Lang, alarm: LaneAlarm) -> (&'static str, &'static str) {
    let two = |zh: (&'static str, &'static str), en: (&'static str, &'static str)| {
        if l.is_zh() { zh } else { en }
    };
    match alarm {
        LaneAlarm::HelpWanted => two(
            ("车主需要协助", "核对车牌或人工放行"),
            ("A driver waits for help", "Type the plate, or open with a reason"),
        ),
        LaneAlarm::UnderArm => two(
            ("落下的杆下有物体", "到现场查看"),
            ("Something stands under a closed arm", "Go and look"),
        ),
        LaneAlarm::OpenedOutside => two(
            ("杆被系统外抬起", "查明是谁抬的杆"),
            ("The arm went up without an order", "Find out who opened it"),
        ),
        LaneAlarm::NotAllowed => two(
            ("有车未经放行通过", "查看照片"),
            ("A vehicle went through that nobody allowed", "See the pictures"),
        ),
        LaneAlarm::Tailgated => two(
            ("有车紧跟前车闯过", "查看照片，在任务中处理"),
            ("A vehicle went through close behind another", "See the pictures; there is a task"),
        ),
        LaneAlarm::ArmNotOpen => two(
            ("杆没有抬到位", "检查道闸"),
            ("The arm did not reach its open limit", "Check the barrier"),
        ),
        LaneAlarm::ArmNotClosed => two(
            ("杆没有落到位", "检查道闸和杆下"),
            ("The arm did not come down", "Check the barrier and below the arm"),
        ),
        LaneAlarm::ArmSilent => two(
            ("道闸控制器没有应答", "检查串口线和电源;可用手动遥控"),
            ("The barrier's controller does not answer", "Check the serial line and its power"),
        ),
        LaneAlarm::LoopStuck => two(
            ("地感长时间被占用", "到现场查看;可能是地感故障"),
            ("A loop has been occupied for very long", "Go and look; the loop may be broken"),
        ),
        LaneAlarm::BeamBlocked => two(
            ("红外对射被遮挡", "到现场查看；可能是对射故障"),
            ("The beam under the arm is interrupted", "Go and look; the beam may be broken"),
        ),
        LaneAlarm::Forced => two(
            ("有人未经放行通过闸机", "到现场查看"),
            ("Somebody went through a turnstile whom nobody let in", "Go and look"),
        ),
        LaneAlarm::PassSilent => two(
            ("闸机没有执行指令", "检查串口线和电源"),
            ("The turnstile did not take an order", "Check the serial line and its power"),
        ),
        LaneAlarm::TurnstileLost => two(
            ("闸机没有响应", "检查串口线和电源"),
            ("Nothing is heard of the turnstile", "Check the serial line and its power"),
        ),
        LaneAlarm::PassageStuck => two(
            ("闸机通道长时间有人", "到现场查看"),
            ("Somebody has been in the turnstile for long", "Go and look"),
        ),
        LaneAlarm::SensorsLost => two(
            ("地感和限位信号丢失", "检查继电器板"),
            ("The loops and limits are not heard", "Check the relay board"),
        ),
    }
}

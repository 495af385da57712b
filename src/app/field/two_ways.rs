//! A lane that leads both ways in turn and has a display or a camera for each: who is meant just now. Decides nothing.

use std::sync::Arc;

use tokio::sync::watch;

use super::Tell;
use crate::core::Message;

/// What stands at the two ends of a tidal lane.
#[derive(Debug)]
pub struct TwoWays {
    turned: bool,
    message: Message,
    /// The display of the way it leads at first, and that of the way back.
    displays: Option<[watch::Sender<Message>; 2]>,
    /// The camera of the way back; that of the first is the lane's.
    back: Option<Arc<dyn Tell>>,
}

impl TwoWays {
    pub fn new(displays: Option<[watch::Sender<Message>; 2]>, back: Option<Arc<dyn Tell>>) -> Self {
        Self { turned: false, message: Message::Faulty, displays, back }
    }

    /// The lane says something to whoever comes the way it leads now.
    pub fn show(&mut self, message: Message) {
        self.message = message;
        self.tell();
    }

    /// It leads the other way than at first, or as at first.
    pub fn turn(&mut self, turned: bool) {
        self.turned = turned;
        self.tell();
    }

    /// The camera to be asked, where it is not the lane's first.
    pub fn camera(&self) -> Option<&Arc<dyn Tell>> {
        self.back.as_ref().filter(|_| self.turned)
    }

    /// Whoever stands at the other end sees that it is closed.
    fn tell(&self) {
        let Some([first, back]) = &self.displays else { return };
        let (seen, other) = if self.turned { (back, first) } else { (first, back) };
        seen.send_replace(self.message.clone());
        other.send_replace(Message::LaneClosed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use paifang_devices::Command;

    #[derive(Debug)]
    struct Deaf;

    impl Tell for Deaf {
        fn tell(&self, _: &Command, _: &str, _: Timestamp) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn only_the_display_and_camera_of_the_way_it_leads_are_meant() {
        let (first, first_shown) = watch::channel(Message::Faulty);
        let (back, back_shown) = watch::channel(Message::Faulty);
        let mut lane = TwoWays::new(Some([first, back]), Some(Arc::new(Deaf)));
        let shown = || (first_shown.borrow().clone(), back_shown.borrow().clone());
        lane.turn(false);
        lane.show(Message::Ready);
        assert_eq!(shown(), (Message::Ready, Message::LaneClosed));
        assert!(lane.camera().is_none());
        // It says the same, and to others.
        lane.turn(true);
        assert_eq!(shown(), (Message::LaneClosed, Message::Ready));
        assert!(lane.camera().is_some());
        lane.show(Message::Help);
        assert_eq!(shown(), (Message::LaneClosed, Message::Help));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Subscriptions with the interface that the daemon reads; plans and payment are left out.
contract BlockhostSubscriptions {
    struct Subscription {
        uint256 planId;
        address subscriber;
        uint256 expiresAt;
        bool cancelled;
    }

    event SubscriptionCreated(
        uint256 indexed subscriptionId,
        uint256 indexed planId,
        address indexed subscriber,
        uint256 expiresAt,
        uint256 paidAmount,
        address paymentToken,
        bytes userEncrypted
    );
    event SubscriptionExtended(
        uint256 indexed subscriptionId,
        uint256 indexed planId,
        address indexed extendedBy,
        uint256 newExpiresAt,
        uint256 paidAmount,
        address paymentToken
    );
    event SubscriptionCancelled(uint256 indexed subscriptionId, uint256 indexed planId, address indexed subscriber);

    error NoSuchSubscription(uint256 subscriptionId);
    error AlreadyCancelled(uint256 subscriptionId);
    error NotTheSubscriber(address caller);

    /// @notice Ids start at 1.
    uint256 public nextSubscriptionId = 1;

    mapping(uint256 => Subscription) private _subscriptions;

    /// @notice Anyone may buy; the caller is the subscriber. Seconds instead of days, so that a laboratory need not wait.
    function buy(uint256 planId, uint256 paidSeconds, bytes calldata userEncrypted) external returns (uint256 id) {
        id = nextSubscriptionId++;
        uint256 expiresAt = block.timestamp + paidSeconds;
        _subscriptions[id] = Subscription(planId, msg.sender, expiresAt, false);
        emit SubscriptionCreated(id, planId, msg.sender, expiresAt, 0, address(0), userEncrypted);
    }

    /// @notice Anyone may extend, also long after expiry; what is paid counts from the later of expiry and now.
    function extend(uint256 id, uint256 paidSeconds) external {
        Subscription storage subscription = _existing(id);
        if (subscription.cancelled) revert AlreadyCancelled(id);
        uint256 base = subscription.expiresAt > block.timestamp ? subscription.expiresAt : block.timestamp;
        subscription.expiresAt = base + paidSeconds;
        emit SubscriptionExtended(id, subscription.planId, msg.sender, subscription.expiresAt, 0, address(0));
    }

    /// @notice Only the subscriber, for good; what was paid ends with this block.
    function cancel(uint256 id) external {
        Subscription storage subscription = _existing(id);
        if (subscription.subscriber != msg.sender) revert NotTheSubscriber(msg.sender);
        if (subscription.cancelled) revert AlreadyCancelled(id);
        subscription.cancelled = true;
        subscription.expiresAt = block.timestamp;
        emit SubscriptionCancelled(id, subscription.planId, msg.sender);
    }

    /// @notice All zero for an id that was never sold.
    function getSubscription(uint256 id)
        external
        view
        returns (uint256 planId, address subscriber, uint256 expiresAt, bool isActive, bool cancelled)
    {
        Subscription storage subscription = _subscriptions[id];
        return (
            subscription.planId,
            subscription.subscriber,
            subscription.expiresAt,
            !subscription.cancelled && subscription.expiresAt > block.timestamp,
            subscription.cancelled
        );
    }

    function _existing(uint256 id) private view returns (Subscription storage subscription) {
        subscription = _subscriptions[id];
        if (subscription.subscriber == address(0)) revert NoSuchSubscription(id);
    }
}

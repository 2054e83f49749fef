package adapter.testserver;

import ca.uhn.fhir.jpa.topic.ISubscriptionTopicLoader;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

/** HAPI looks for new topics once a minute, a figure fixed in its code, and misses every event before that. */
@Configuration
@EnableScheduling
class TopicRefresh {
    private final ISubscriptionTopicLoader topics;

    TopicRefresh(ISubscriptionTopicLoader topics) {
        this.topics = topics;
    }

    @Scheduled(fixedDelayString = "${testserver.topic-interval-millis}")
    void refresh() {
        topics.forceRefresh();
    }
}
